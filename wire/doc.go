// Package wire is every byte that crosses a trust boundary, between peers or
// with the service: types, limits, append and parse, versions, and what is
// signed and sealed. It is parsed once, here, into types that cannot hold
// nonsense. Standard library only. docs/protocol.md describes the same bytes
// for people who write another client.
//
// Everybody may import it; it imports nothing of viewflip. It never opens a
// connection and never logs.
package wire
