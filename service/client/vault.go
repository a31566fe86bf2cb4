package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ErrRollback means that the service shows an older state than this device has
// seen: somebody put back an old copy, or it is hostile.
var ErrRollback = errors.New("client: the service shows an older state of the account than before: it may have been restored from a backup, or somebody interferes")

// pin is what this account knows about a contact, whatever the service says.
type pin struct {
	Account  account.Public `json:"account"`
	Verified bool           `json:"verified"`
	// Version and List are the newest device list seen.
	Version uint64       `json:"version"`
	List    account.Hash `json:"list"`
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

// contents of the vault: what all devices of the account must know and the
// service must not.
type contents struct {
	Pins    map[string]pin `json:"pins"` // by handle
	Invites []invitation   `json:"invites"`
	Asked   []asked        `json:"asked"`
	// Accepted counts the asks that this person said yes to, whose contacts the
	// service has not shown yet.
	Accepted int  `json:"accepted"`
	Kit      bool `json:"kit"`
}

func (c contents) clone() contents {
	out := c
	out.Pins = make(map[string]pin, len(c.Pins))
	for k, v := range c.Pins {
		out.Pins[k] = v
	}
	out.Invites, out.Asked = slices.Clone(c.Invites), slices.Clone(c.Asked)
	return out
}

// vault is the newest vault that this device has seen.
type vault struct {
	turn    sync.Mutex // one change at a time
	mu      sync.Mutex
	version uint64
	now     contents
}

func (v *vault) look() contents {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now.clone()
}

func (v *vault) set(version uint64, c contents) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version, v.now = version, c
}

// vaultTries is how often a change is made again because another device of the
// account was faster.
const vaultTries = 8

// fetchVault reads the vault from the service.
func (a *Account) fetchVault(ctx context.Context) (uint64, contents, error) {
	none := contents{Pins: map[string]pin{}}
	got, err := ask[account.Vault](ctx, a.auth, account.PathVault, account.Empty{})
	if err != nil {
		return 0, none, err
	}
	a.mu.Lock()
	seen, key := a.creds.VaultVersion, a.creds.Key
	a.mu.Unlock()
	if got.Version < seen {
		return 0, none, ErrRollback
	}
	if got.Version == 0 {
		return 0, none, nil
	}
	plain, err := key.OpenVault(got.Version, got.Blob)
	if err != nil {
		return 0, none, fmt.Errorf("%w: %w", ErrRollback, err)
	}
	c := none
	if err := json.Unmarshal(plain, &c); err != nil {
		return 0, none, fmt.Errorf("client: the vault is damaged: %w", err)
	}
	if c.Pins == nil {
		c.Pins = map[string]pin{}
	}
	return got.Version, c, a.saw(ctx, got.Version, 0)
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
		version, c, err := a.fetchVault(ctx)
		if err != nil {
			return err
		}
		changed := change(&c)
		if !changed {
			a.vault.set(version, c)
			return nil
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
		a.vault.set(version+1, c)
		return a.saw(ctx, version+1, 0)
	}
	return fmt.Errorf("%w: other devices of the account are changing it all the time", ErrUnavailable)
}

// secretOf gives the secret of an invitation its type.
func secretOf(i invitation) wire.Secret { return wire.NewSecret(i.Secret) }
