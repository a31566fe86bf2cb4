// Package account is what both sides of an account share: keys and pass-keys,
// signed device lists, the login transcript and the session ratchet, contact
// proofs, the vault, the phrase, the recovery kit, the linking of a second
// device, and the types of every call to the service. Untrusted bytes are
// parsed once, here, into types that cannot hold nonsense; secrets have types
// that cannot be printed. docs/protocol.md describes the same bytes for people
// who write another client.
//
// The service, its client, sessions and the user interface import it; it
// imports wire and the standard library. It never opens a connection and never
// logs.
package account
