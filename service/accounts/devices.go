package accounts

import (
	"errors"
	"slices"

	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func sessions(c *request, _ account.Empty) (a account.Sessions, err error) {
	a.Sessions, err = c.store.Sessions(c.ctx, c.session.Account)
	for i := range a.Sessions {
		a.Sessions[i].Current = a.Sessions[i].Device == c.session.Device
	}
	return a, err
}

func sessionEnd(c *request, q account.SessionEnd) (a account.Empty, err error) {
	who := c.session.Account
	switch q.Device {
	case account.ID{}:
		c.then(func() { c.presence.tell(who, ended(c.session.ID)) })
		return a, c.store.EndSession(c.ctx, c.session.ID)
	default:
		if c.session.Kind != store.KindDevice {
			return a, account.CodeAuthFailed
		}
		c.then(func() { c.presence.tell(who, revoked(q.Device)) })
		return a, c.store.EndSessions(c.ctx, who, q.Device)
	}
}

func devices(c *request, _ account.Empty) (account.Devices, error) {
	a, err := c.store.Devices(c.ctx, c.session.Account)
	for i := range a.Info {
		a.Info[i].Current = a.Info[i].ID == c.session.Device
	}
	return a, err
}

// devicesPut checks that list and credentials belong together; that the list
// follows, the store does.
func devicesPut(c *request, q account.DevicesPut) (a account.Empty, err error) {
	who := c.session.Account
	old, err := c.store.Devices(c.ctx, who)
	if err != nil {
		return a, err
	}
	var added []account.ID
	drops := false
	for _, d := range q.Devices.Devices() {
		was, known := old.Devices.Find(d.ID)
		if !known && !d.Revoked {
			added = append(added, d.ID)
		}
		drops = drops || known && d.Revoked && !was.Revoked
	}
	if len(added) > 1 || (q.Add != nil) != (len(added) == 1) || q.Add != nil && !slices.Contains(added, q.Add.ID) {
		return a, account.CodeBadRequest
	}
	kit := c.session.Kind == store.KindRecovery
	if kit && (!c.session.Confirmed || q.Add == nil || drops) {
		return a, account.CodeAuthFailed
	}
	gone, err := c.store.PutDevices(c.ctx, who, q)
	if err != nil {
		return a, err
	}
	what := wire.ChangedDevices
	if kit { // one device for one code
		what = wire.ChangedAccount
		if err := errors.Join(c.store.Audit(c.ctx, who, store.EventRecovered, ""), c.store.EndSession(c.ctx, c.session.ID)); err != nil {
			return a, err
		}
	}
	c.then(func() {
		for _, d := range gone {
			c.presence.tell(who, revoked(d))
		}
		c.presence.tell(who, changed(what))
		c.tellPeers(who)
	})
	return a, nil
}

func deviceLabel(c *request, q account.DeviceLabel) (a account.Empty, err error) {
	who := c.session.Account
	c.then(func() { c.presence.tell(who, changed(wire.ChangedDevices)) })
	return a, c.store.LabelDevice(c.ctx, who, q.ID, q.Label)
}
