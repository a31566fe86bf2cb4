package client

import (
	"context"
	"errors"
	"fmt"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// MakeKit makes a recovery kit; one of before is not good any more. Its code is
// for paper: whoever has it, and the mail, has the account.
func (a *Account) MakeKit(ctx context.Context) (account.Kit, error) {
	kit, err := account.NewKit(nil)
	if err != nil {
		return kit, fmt.Errorf("client: kit: %w", err)
	}
	_, err = ask[account.Empty](ctx, a.auth, account.PathRecoveryEnroll, account.RecoveryEnroll{
		Credential: credential(kit.CredentialID(), kit.Password()), Sealed: kit.Seal(a.key()),
	})
	if err != nil {
		return kit, err
	}
	return kit, a.changeVault(ctx, func(v *contents) bool {
		had := v.Kit
		v.Kit = true
		return !had
	})
}

// Recovery is an account that is being restored on this device.
type Recovery struct {
	auth *authorized
	key  account.Key
}

// StartRecovery proves the kit to the service, which sends a code to the
// account's address and tells all devices of it.
func StartRecovery(ctx context.Context, s wire.Service, kit account.Kit) (*Recovery, error) {
	auth := newAuthorized(newWeb(s), prover{id: kit.CredentialID(), password: kit.Password()})
	got, err := ask[account.RecoverySealed](ctx, auth, account.PathRecovery, account.Empty{})
	if errors.Is(err, ErrDeviceRevoked) {
		return nil, errors.New("client: the service does not know this recovery kit: a newer one was made, or the account was deleted")
	}
	if err != nil {
		return nil, err
	}
	key, err := kit.Open(got.Sealed)
	if err != nil {
		return nil, fmt.Errorf("client: recovery: %w", err)
	}
	return &Recovery{auth: auth, key: key}, nil
}

// Finish adds this device to the account. ErrCode may be tried again.
func (r *Recovery) Finish(ctx context.Context, code account.Code, label account.Label, save func(context.Context, account.Credentials) error) (account.Credentials, error) {
	defer r.auth.web.close()
	var none account.Credentials
	_, err := ask[account.Empty](ctx, r.auth, account.PathRecoveryConfirm, account.RecoveryConfirm{Code: code})
	if errors.Is(err, account.CodeAuthFailed) || errors.Is(err, ErrDeviceRevoked) {
		return none, ErrCode
	}
	if err != nil {
		return none, err
	}
	got, err := ask[account.Devices](ctx, r.auth, account.PathDevices, account.Empty{})
	if err != nil {
		return none, err
	}
	if got.Devices.Account() != r.key.Public() {
		return none, ErrOwnList
	}
	pk, device, listed, err := newDevice(label)
	if err != nil {
		return none, fmt.Errorf("client: recovery: %w", err)
	}
	next, err := r.key.NewDeviceList(got.Devices, append(got.Devices.Devices(), listed))
	if err != nil {
		return none, fmt.Errorf("client: recovery: %w", err)
	}
	creds := account.Credentials{PassKey: pk, Key: r.key, Service: r.auth.web.service, DevicesVersion: next.Version()}
	if err := save(ctx, creds); err != nil {
		return none, err
	}
	if _, err := ask[account.Empty](ctx, r.auth, account.PathDevicesPut, account.DevicesPut{Devices: next, Add: &device}); err != nil {
		return none, err
	}
	return creds, nil
}
