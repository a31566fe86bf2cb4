package accounts

import (
	"encoding/json"
	"errors"

	"viewflip.app/service/mail"
	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// signupStart does the same for every address: one look-up, one ticket, one
// mail. To an address that has an account goes another mail, without the code.
func signupStart(c *request, q account.SignupStart) (a account.SignupTicket, err error) {
	if c.invited {
		ok, err := c.admits(c.ctx, q.Pass, q.Email)
		if err != nil {
			return a, err
		}
		if !ok {
			return a, account.CodeAuthFailed
		}
	}
	q.Pass = "" // it is not kept
	if err := c.maySignUp(q.Email); err != nil {
		return a, err
	}
	payload, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	code, err := account.NewCode(nil)
	if err != nil {
		return a, err
	}
	_, err = c.store.AccountByEmail(c.ctx, q.Email)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return a, err
	}
	if a.Ticket, err = c.store.CreateTicket(c.ctx, store.PurposeSignup, payload, code); err != nil {
		return a, err
	}
	m := mail.Code(c.name, string(code))
	if known {
		m = mail.Known(c.name)
	}
	return a, c.post(q.Email, m)
}

func signupFinish(c *request, q account.SignupFinish) (a account.Empty, err error) {
	b, err := c.store.ConsumeTicket(c.ctx, store.PurposeSignup, q.Ticket, q.Code)
	if errors.Is(err, store.ErrNotFound) {
		return a, account.CodeExpired
	} else if err != nil {
		return a, err
	}
	var who account.SignupStart
	if err := json.Unmarshal(b, &who); err != nil {
		return a, err
	}
	if len(q.Devices.Active()) != 1 {
		return a, account.CodeBadRequest
	}
	_, err = c.store.CreateAccount(c.ctx, store.NewAccount{Email: who.Email, Name: who.Name, Device: q.Device, Devices: q.Devices})
	return a, err
}
