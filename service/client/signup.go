package client

import (
	"context"
	"errors"
	"fmt"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// ErrCode means that the digits of the mail were wrong.
var ErrCode = errors.New("client: the code is not the one of the mail")

// SignUp is an account that waits for the code of the mail.
type SignUp struct {
	web    *web
	ticket account.ID
	email  account.Email
}

// StartSignUp has the service send a code to the address. What it answers does
// not depend on whether the address is known.
func StartSignUp(ctx context.Context, s wire.Service, email account.Email, name account.Name) (*SignUp, error) {
	w := newWeb(s)
	t, err := call[account.SignupTicket](ctx, w, account.PathSignupStart, account.SignupStart{Email: email, Name: name})
	if err != nil {
		return nil, err
	}
	return &SignUp{web: w, ticket: t.Ticket, email: email}, nil
}

// Finish makes the account with this device as its first. save gets the
// credentials before the account exists, so that they cannot be lost between.
// ErrCode may be tried again.
func (s *SignUp) Finish(ctx context.Context, code account.Code, label account.Label, save func(context.Context, account.Credentials) error) (account.Credentials, error) {
	defer s.web.close()
	pk, device, listed, err := newDevice(label)
	if err != nil {
		return account.Credentials{}, fmt.Errorf("client: sign up: %w", err)
	}
	key, err := account.NewKey(nil)
	if err != nil {
		return account.Credentials{}, fmt.Errorf("client: sign up: %w", err)
	}
	list, err := key.NewDeviceList(account.DeviceList{}, []account.ListedDevice{listed})
	if err != nil {
		return account.Credentials{}, fmt.Errorf("client: sign up: %w", err)
	}
	c := account.Credentials{PassKey: pk, Key: key, Service: s.web.service, DevicesVersion: 1}
	if err := save(ctx, c); err != nil {
		return c, err
	}
	_, err = call[account.Empty](ctx, s.web, account.PathSignupFinish, account.SignupFinish{
		Ticket: s.ticket, Code: code, Device: device, Account: key.Public(), Devices: list,
	})
	switch {
	case errors.Is(err, account.CodeAuthFailed):
		return c, ErrCode
	case errors.Is(err, account.CodeExpired):
		return c, errors.New("client: the code has expired or was tried too often; sign up again")
	case errors.Is(err, account.CodeConflict):
		return c, errors.New("client: there is an account with this address already: add this device to it, or use the recovery kit; without either, ask whoever runs the service to delete it")
	}
	return c, err
}
