// Package service is the mailbox between devices that are not connected yet: it
// tells who made an invitation, and hands sealed messages from one device to
// another. It is a WebSocket server on TLS 1.3, all in memory; cmd/viewflipd
// runs it alone, cmd/viewflip inside itself. service/client is the other end.
//
// It is not an authority. It cannot read messages, never sees the secret of a
// link, and whatever it says is checked by the devices against keys that they
// got elsewhere. It can only withhold.
//
// A device proves its key, bound to this service's certificate, and then has
// one connection; a newer one replaces the older. Messages wait for their
// acknowledgement, for a minute at most, so that a reconnect loses nothing.
// When a device leaves, its messages and invitations are gone.
//
// It never logs or stores an address, a key, a message or an invitation; on
// disk there is only its own TLS key.
package service
