package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ErrOwnList means that the list of this account's devices is not the account's
// or not the newest: the service is hostile or was restored from a backup.
var ErrOwnList = errors.New("client: the service shows a list of this account's devices that is not right")

// syncDevices takes the list of this account's devices.
func (a *Account) syncDevices(ctx context.Context) error {
	_, err := a.devices(ctx)
	return err
}

func (a *Account) devices(ctx context.Context) (_ account.DeviceList, err error) {
	defer func() { a.doubt(wire.ChangedDevices, err) }()
	got, err := ask[account.Devices](ctx, a.auth, account.PathDevices, account.Empty{})
	if err != nil {
		return account.DeviceList{}, err
	}
	l := got.Devices
	a.mu.Lock()
	seen, known := a.creds.DevicesVersion, a.own
	a.mu.Unlock()
	if l.Account() != a.Public() || l.Version() < seen || l.Continues(known) != nil {
		return l, ErrOwnList
	}
	a.mu.Lock()
	a.own, a.info = l, got.Info
	a.changed.Ring()
	a.mu.Unlock()
	return l, a.saw(ctx, 0, l.Version())
}

// put signs the list that follows the newest one and hands it to the service.
func (a *Account) put(ctx context.Context, add *account.NewDevice, change func([]account.ListedDevice) []account.ListedDevice) error {
	for range vaultTries {
		now, err := a.devices(ctx)
		if err != nil {
			return err
		}
		next, err := a.key().NewDeviceList(now, change(now.Devices()))
		if err != nil {
			return fmt.Errorf("client: devices: %w", err)
		}
		_, err = ask[account.Empty](ctx, a.auth, account.PathDevicesPut, account.DevicesPut{Devices: next, Add: add})
		if errors.Is(err, account.CodeConflict) {
			continue
		}
		if err != nil {
			return err
		}
		// What was acknowledged must be there: else a device that was removed is not.
		if now, err = a.devices(ctx); err == nil && now.Version() < next.Version() {
			err = ErrOwnList
		}
		return err
	}
	return fmt.Errorf("%w: other devices of the account are changing it all the time", ErrUnavailable)
}

// RevokeDevice takes a device out of the account: it is logged out within a
// second, and no contact calls it any more.
func (a *Account) RevokeDevice(ctx context.Context, id account.ID) error {
	return a.put(ctx, nil, func(all []account.ListedDevice) []account.ListedDevice {
		for i := range all {
			if all[i].ID == id {
				all[i].Revoked = true
			}
		}
		return all
	})
}

// NameDevice names a device for its owner.
func (a *Account) NameDevice(ctx context.Context, id account.ID, l account.Label) error {
	if _, err := ask[account.Empty](ctx, a.auth, account.PathDeviceLabel, account.DeviceLabel{ID: id, Label: l}); err != nil {
		return err
	}
	return a.syncDevices(ctx)
}

func newSalt() (s account.Salt) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// credential makes what a service keeps of a new device or kit.
func credential(id account.ID, password []byte) account.Credential {
	salt := newSalt()
	return account.Credential{ID: id, Salt: salt, Verifier: srp.Verifier(id[:], password, salt)}
}

// newDevice makes the keys of a device that begins.
func newDevice(label account.Label) (account.PassKey, account.NewDevice, account.ListedDevice, error) {
	pk, err := account.NewPassKey(nil)
	if err != nil {
		return pk, account.NewDevice{}, account.ListedDevice{}, err
	}
	identity, err := pk.Identity()
	if err != nil {
		return pk, account.NewDevice{}, account.ListedDevice{}, err
	}
	id := pk.DeviceID()
	return pk, account.NewDevice{Credential: credential(id, pk.Password()), Label: label},
		account.ListedDevice{ID: id, Device: identity.Public(), Added: today()}, nil
}

// keep rotates the session while nobody uses it, so that a copy of it is found
// out by whoever comes second.
func (a *Account) keep(ctx context.Context) error {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
		if err := a.auth.lock(ctx); err != nil {
			continue
		}
		err := a.auth.ready(ctx)
		a.auth.unlock()
		if errors.Is(err, ErrDeviceRevoked) {
			return err
		}
	}
}
