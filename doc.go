// Package bbb is a client library for groups of BigBlueButton servers.
package bbb
