package relay

import (
	"crypto/hmac"
	"crypto/sha1" // the form of these credentials; HMAC does not need collision resistance
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"viewflip.app/wire"
)

const (
	// minSecret is the least length of a shared secret, in bytes.
	minSecret = 16
	// lifetime is how long credentials begin allocations.
	lifetime = 5 * time.Minute
	// renewal is how long they keep an allocation after that: longer than calls.
	renewal = 24 * time.Hour

	pseudonymText = 26
)

// Issuer issues credentials that a TURN server with the same secret accepts.
// It is safe for concurrent use.
type Issuer struct {
	secret []byte
	urls   []string
	pinned bool
	now    func() time.Time
}

// NewIssuer makes an issuer for an external server, such as coturn with
// use-auth-secret. urls are one to wire.MaxRelayURLs URLs of RFC 7064 and RFC 7065;
// secret has at least 16 bytes. Clients verify turns: there as browsers do.
func NewIssuer(secret []byte, urls []string) (*Issuer, error) { return newIssuer(secret, urls, false) }

func newIssuer(secret []byte, urls []string, pinned bool) (*Issuer, error) {
	if len(secret) < minSecret {
		return nil, errors.New("relay: the secret must have 16 bytes at least")
	}
	if err := wire.CheckRelayURLs(urls); err != nil {
		return nil, errors.New("relay: the URLs are not one to eight of stun:host:port, turn:host:port and turns:host:port")
	}
	return &Issuer{secret: secret, urls: urls, pinned: pinned, now: time.Now}, nil
}

// Issue makes credentials for a device. The server learns a name that is the
// same for a device for one day, by which it counts, and that says nothing else.
func (i *Issuer) Issue(device wire.Address) wire.RelayCredentials {
	now := i.now()
	expires := now.Add(lifetime).Unix()
	user := strconv.FormatInt(expires, 10) + ":" + i.pseudonym(device, now)
	return wire.RelayCredentials{
		URLs: i.urls, User: user, Password: i.password(user), Expires: expires, Pinned: i.pinned,
	}
}

func (i *Issuer) pseudonym(device wire.Address, now time.Time) string {
	m := hmac.New(sha256.New, i.secret)
	m.Write([]byte("viewflip/1/relay"))
	m.Write(device[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()/86400)))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)[:16]))
}

func (i *Issuer) password(user string) string {
	m := hmac.New(sha1.New, i.secret)
	m.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// user reads a user name of the form expiry:pseudonym. That it is ours, the
// password says.
func parseUser(s string) (expires time.Time, pseudonym string, ok bool) {
	number, pseudonym, found := strings.Cut(s, ":")
	if !found || len(number) > 12 || len(pseudonym) != pseudonymText {
		return time.Time{}, "", false
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return time.Time{}, "", false
	}
	for _, r := range []byte(pseudonym) {
		if (r < 'a' || r > 'z') && (r < '2' || r > '7') {
			return time.Time{}, "", false
		}
	}
	return time.Unix(int64(n), 0), pseudonym, true
}
