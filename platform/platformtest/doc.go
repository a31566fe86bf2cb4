// Package platformtest makes real X client windows for tests of capture, input
// and platform: each has a connection of its own, paints itself as a toolkit
// would, and writes down every input event that it receives. Only tests use it.
package platformtest
