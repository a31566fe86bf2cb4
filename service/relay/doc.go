// Package relay is the TURN server (RFC 8656) of a service, for calls to which no
// direct path leads: UDP on a port of its own, and TURN over TLS on the port that
// HTTPS has, told apart by Split. Its credentials are short-lived and in the form
// of the "TURN REST API" (draft-uberti-behave-turn-rest-00), which coturn shares:
// Issuer issues them for a coturn, and runs nothing.
//
// It reaches nobody by default but addresses of the public internet and its own
// relayed ones: not the network in which it stands. What it carries is encrypted
// end to end; it logs and stores nothing of it.
package relay
