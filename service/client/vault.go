package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ErrRollback means that the service shows an older state than this device has
// seen, or one that does not follow from it: somebody put back an old copy, or
// it is hostile.
var ErrRollback = errors.New("client: the service shows an older or another state of the account than before: it may have been restored from a backup, or somebody interferes")

// pin is what this account knows about a contact, whatever the service says.
type pin struct {
	Account  account.Public `json:"account"`
	Verified bool           `json:"verified"`
	// Name is what the person was called when the key was pinned.
	// Vaults of before lack it: the next list of contacts gives it.
	Name account.Name `json:"name,omitempty"`
	// Version and List are the newest device list seen, Gone its revoked devices.
	Version uint64       `json:"version"`
	List    account.Hash `json:"list"`
	Gone    []account.ID `json:"gone,omitempty"`
}

func newPin(c account.Contact, verified bool) pin {
	p := pin{Account: c.Account, Verified: verified, Name: c.Name}
	p.take(c.Devices)
	return p
}

// take makes a list the newest seen.
func (p *pin) take(l account.DeviceList) {
	p.Version, p.List, p.Gone = l.Version(), l.Hash(), nil
	for _, d := range l.Devices() {
		if d.Revoked {
			p.Gone = append(p.Gone, d.ID)
		}
	}
}

// allows reports whether a list may follow the newest seen. The lists between
// are not at hand; that nobody comes back can be told without.
func (p *pin) allows(l account.DeviceList) bool {
	switch {
	case l.Account() != p.Account, l.Version() < p.Version,
		l.Version() == p.Version && l.Hash() != p.List,
		l.Version() == p.Version+1 && l.Prev() != p.List:
		return false
	}
	return !slices.ContainsFunc(p.Gone, func(id account.ID) bool {
		d, ok := l.Find(id)
		return !ok || !d.Revoked
	})
}

// invitation is a contact link that waits to be used.
type invitation struct {
	ID     account.ID   `json:"id"`
	Secret account.Hash `json:"secret"`
	Day    uint32       `json:"day"`
}

// asked is an address that was asked to become a contact.
type asked struct {
	Email account.Email `json:"email"`
	Day   uint32        `json:"day"`
}

// answered is somebody who asked and was told yes, whom the service has not
// shown yet.
type answered struct {
	Handle account.ID `json:"handle"` // of the ask
	Day    uint32     `json:"day"`
}

// taken is a contact link that this person used: whose key it names is verified,
// also if what came after that was lost.
type taken struct {
	Account account.Hash `json:"account"` // fingerprint
	Day     uint32       `json:"day"`
}

// contents of the vault: what all devices of the account must know and the
// service must not.
type contents struct {
	Pins    map[string]pin `json:"pins"` // by handle
	Invites []invitation   `json:"invites"`
	Asked   []asked        `json:"asked"`
	Yes     []answered     `json:"yes"`
	Taken   []taken        `json:"taken"`
	Kit     bool           `json:"kit"`
	// Before are the hashes of the sealed vaults before, the newest first and at
	// most maxBefore, so that devices which were led apart notice.
	Before []account.Hash `json:"before"`
}

const maxBefore = 32

func (c contents) clone() contents {
	out := c
	out.Pins = make(map[string]pin, len(c.Pins))
	for k, v := range c.Pins {
		out.Pins[k] = v
	}
	out.Invites, out.Asked, out.Yes, out.Before = slices.Clone(c.Invites), slices.Clone(c.Asked), slices.Clone(c.Yes), slices.Clone(c.Before)
	out.Taken = slices.Clone(c.Taken)
	return out
}

// vault is the newest vault that this device has seen.
type vault struct {
	turn    sync.Mutex // one change at a time
	mu      sync.Mutex
	version uint64
	hash    account.Hash // of the sealed one; zero if there is none
	now     contents
}

func (v *vault) look() contents {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now.clone()
}

func (v *vault) set(version uint64, sealed account.VaultBlob, c contents) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version, v.hash, v.now = version, hashOf(sealed), c
}

// follows reports whether a vault can come after the newest seen here.
func (v *vault) follows(version uint64, sealed account.VaultBlob, c contents) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case version < v.version:
		return false
	case version == v.version:
		return hashOf(sealed) == v.hash
	case v.version == 0 || version-v.version > maxBefore:
		return true
	}
	n := int(version - v.version)
	return n <= len(c.Before) && c.Before[n-1] == v.hash
}

func hashOf(sealed account.VaultBlob) account.Hash {
	if len(sealed) == 0 {
		return account.Hash{}
	}
	return sha256.Sum256(sealed)
}

// vaultTries is how often a change is made again because another device of the
// account was faster.
const vaultTries = 8

// fetchVault reads the vault from the service.
func (a *Account) fetchVault(ctx context.Context) (account.Vault, contents, error) {
	none := contents{Pins: map[string]pin{}}
	got, err := ask[account.Vault](ctx, a.auth, account.PathVault, account.Empty{})
	if err != nil {
		return got, none, err
	}
	a.mu.Lock()
	seen, key := a.creds.VaultVersion, a.creds.Key
	a.mu.Unlock()
	if got.Version < seen {
		return got, none, ErrRollback
	}
	if got.Version == 0 {
		return got, none, nil
	}
	plain, err := key.OpenVault(got.Version, got.Blob)
	if err != nil {
		return got, none, fmt.Errorf("%w: %w", ErrRollback, err)
	}
	c := none
	if err := json.Unmarshal(plain, &c); err != nil {
		return got, none, fmt.Errorf("client: the vault is damaged: %w", err)
	}
	if c.Pins == nil {
		c.Pins = map[string]pin{}
	}
	if !a.vault.follows(got.Version, got.Blob, c) {
		return got, none, ErrRollback
	}
	return got, c, a.saw(ctx, got.Version, 0)
}

// saw notes the versions that this device has seen, for ever.
func (a *Account) saw(ctx context.Context, vault, devices uint64) error {
	a.mu.Lock()
	c := a.creds
	c.VaultVersion, c.DevicesVersion = max(c.VaultVersion, vault), max(c.DevicesVersion, devices)
	newer := c.VaultVersion != a.creds.VaultVersion || c.DevicesVersion != a.creds.DevicesVersion
	a.creds = c
	a.mu.Unlock()
	if !newer {
		return nil
	}
	return a.save(ctx, c)
}

// changeVault changes the vault; change reports whether it did. It is called
// again if another device of the account changed the vault meanwhile.
func (a *Account) changeVault(ctx context.Context, change func(*contents) bool) error {
	a.vault.turn.Lock()
	defer a.vault.turn.Unlock()
	for range vaultTries {
		got, c, err := a.fetchVault(ctx)
		if err != nil {
			return err
		}
		a.vault.set(got.Version, got.Blob, c.clone())
		if !change(&c) {
			return nil
		}
		version := got.Version
		if version > 0 {
			c.Before = slices.Insert(c.Before, 0, hashOf(got.Blob))
			c.Before = c.Before[:min(len(c.Before), maxBefore)]
		}
		plain, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("client: vault: %w", err)
		}
		blob, err := a.key().SealVault(version+1, plain)
		if err != nil {
			return fmt.Errorf("client: vault: %w", err)
		}
		_, err = ask[account.Empty](ctx, a.auth, account.PathVaultPut, account.Vault{Version: version + 1, Blob: blob})
		if errors.Is(err, account.CodeConflict) {
			continue
		}
		if err != nil {
			return err
		}
		a.vault.set(version+1, blob, c)
		return a.saw(ctx, version+1, 0)
	}
	return fmt.Errorf("%w: other devices of the account are changing it all the time", ErrUnavailable)
}

// secretOf gives the secret of an invitation its type.
func secretOf(i invitation) wire.Secret { return wire.NewSecret(i.Secret) }
