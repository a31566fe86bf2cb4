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

// ErrInvited means that the service takes new accounts by invitation alone.
var ErrInvited = errors.New("client: this service takes new people by invitation alone: paste the invitation link of somebody who has an account there, or the line that whoever runs it made for your e-mail address")

// StartSignUp has the service send a code to the address. What it answers does
// not depend on whether the address is known. The pass, if there is one, is
// shown only to a service that asks for it: ErrInvited if it is not good.
func StartSignUp(ctx context.Context, s wire.Service, email account.Email, name account.Name, pass account.Pass) (*SignUp, error) {
	w := newWeb(s)
	q := account.SignupStart{Email: email, Name: name}
	t, err := call[account.SignupTicket](ctx, w, account.PathSignupStart, q)
	if q.Pass = pass; errors.Is(err, account.CodeAuthFailed) && pass != "" {
		t, err = call[account.SignupTicket](ctx, w, account.PathSignupStart, q)
	}
	if err != nil {
		w.close()
		if errors.Is(err, account.CodeAuthFailed) {
			return nil, ErrInvited
		}
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
