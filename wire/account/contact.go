package account

import (
	"crypto/sha256"

	"viewflip.app/wire"
)

// InviteHash is what the service keeps of an open contact link: the SHA-256 of
// its id, so that a copy of the database does not open one.
func InviteHash(id wire.InviteID) Hash { return sha256.Sum256(id[:]) }

// ContactProof shows the maker of a contact link that an account has the whole
// link: HMAC-SHA256 under the link's secret of lp("viewflip/1/contact",
// fingerprint of the maker's account key, the accepter's account key). The
// accepter has checked the maker's key against the fingerprint in the link, so
// both are verified.
func ContactProof(link wire.Secret, maker Hash, accepter Public) Hash {
	b := link.Reveal()
	return mac(b[:], lp("viewflip/1/contact", maker[:], accepter[:]))
}
