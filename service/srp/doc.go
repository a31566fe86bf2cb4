// Package srp proves the knowledge of a password without sending it: SRP-6a
// (RFC 2945, RFC 5054) with the 3072-bit group of RFC 5054 and SHA-256, named
// "srp6a-3072-sha256/1" where a choice is ever stored. It serves the login of
// devices and recovery kits, and the linking of a second device, where the
// password is a short code.
//
//	N, g = RFC 5054 appendix A, 3072 bit, 5; H = SHA-256; PAD = 384 bytes
//	k  = H(N | PAD(g))          x = H(salt | H(id | ":" | password))
//	v  = g^x                    u = H(PAD(A) | PAD(B))
//	A  = g^a                    B = k*v + g^b
//	S  = (B - k*g^x)^(a + u*x) = (A * v^u)^b       K = H(PAD(S))
//	M1 = H(H(N) xor H(g) | H(id) | salt | PAD(A) | PAD(B) | K)
//	M2 = H(PAD(A) | M1 | K)
//
// The client proves first: before M1 was right, the server has said nothing
// that depends on the password but B, which b hides. Group and hash are not
// negotiated. Values have a fixed width; A and B must be below N and not 0, 1
// or N-1; u must not be 0. Everything secret is computed in constant time (as
// filippo.io/bigmod and crypto/subtle do).
//
// Standard library and bigmod only.
package srp
