// Package proxy is the program that makes a group of BigBlueButton servers one big
// server: its flags and configuration, what it shows of itself, and its life. The
// program itself is examples/proxy; the one that shares a Redis with others is
// rediscache/examples/proxy.
//
// The work is done by [bbb.Handler]. What is here is what a program around it needs
// anyway, so it is also an example of that.
package proxy
