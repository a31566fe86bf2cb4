// Package bus carries messages between the parts of a service, and between the
// nodes of one: who has a device's connection, who is to be told of a change. It
// is NATS (github.com/nats-io) behind six methods: in process by default, without
// a port, or an external server or cluster by URL. Nothing is stored: what nobody
// listens to is gone, and a request that nobody answers says so at once.
//
// Only text that cannot be a wildcard becomes part of a subject.
package bus
