//go:build race

package bbb_test

// raceDetector says that the tests run under it: allocations then tell nothing.
const raceDetector = true
