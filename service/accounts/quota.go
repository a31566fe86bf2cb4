package accounts

import (
	"context"
	"net/netip"
	"time"

	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

// quota counts a use, durably; the error says how long to wait.
func (s *Service) quota(ctx context.Context, key string, limits ...store.Limit) error {
	ok, wait, err := s.store.Quota(ctx, key, limits...)
	if err != nil {
		return err
	}
	if !ok {
		return account.Failure{Code: account.CodeRateLimited, RetryAfter: uint32(max(1, min(wait, 24*time.Hour).Round(time.Second)/time.Second))}
	}
	return nil
}

// Durable limits: what an account may change, ask and invite, and who gets how
// many mails.
func changeLimits() []store.Limit {
	return []store.Limit{{Window: time.Minute, N: 120}, {Window: 24 * time.Hour, N: 3000}}
}

func askLimits(newcomer bool) []store.Limit {
	day := 20
	if newcomer {
		day = 3
	}
	return []store.Limit{{Window: time.Minute, N: 5}, {Window: 24 * time.Hour, N: day}}
}

func inviteLimits() []store.Limit { return []store.Limit{{Window: 24 * time.Hour, N: 20}} }

// linkLimits bounds what an account says to new devices: three messages each.
func linkLimits() []store.Limit {
	return []store.Limit{{Window: time.Hour, N: 36}, {Window: 24 * time.Hour, N: 90}}
}

func exportLimits() []store.Limit { return []store.Limit{{Window: time.Hour, N: 5}} }

// aroundTimes is how much more than one of its addresses a network has: see
// Config.Mails.
const aroundTimes = 4

// Count is a durable limit: so many an hour and a day. It outlives restarts and
// holds for all nodes together.
type Count struct{ Hour, Day int }

// times are the durable limits of a Count, so many times as large.
func (c Count) times(n int) []store.Limit {
	return []store.Limit{{Window: time.Hour, N: c.Hour * n}, {Window: 24 * time.Hour, N: c.Day * n}}
}

// slotLimits bounds the slots that one address holds.
func slotLimits(n int) []store.Limit { return []store.Limit{{Window: store.LinkLife, N: 60 * n}} }

// quotaOfNetwork counts a use by who asks, and by the network around them, of
// what is there for all and what who has no account can use up.
func (c *request) quotaOfNetwork(what string, limits func(times int) []store.Limit) error {
	if err := c.quota(c.ctx, what+" of "+c.from.String(), limits(1)...); err != nil {
		return err
	}
	return c.quota(c.ctx, what+" around "+around(c.from).String(), limits(aroundTimes)...)
}

// around is the network that an address is part of and whose addresses one
// customer can often choose among: an IPv4 /24 or an IPv6 /48.
func around(p netip.Prefix) netip.Prefix {
	bits := 48
	if p.Addr().Is4() {
		bits = 24
	}
	return netip.PrefixFrom(p.Addr(), bits).Masked()
}

// newcomerDays is how long an account is new.
const newcomerDays = 7

// allow counts a changing request before it is done, whatever comes of it.
func (c *request) allow(q any) error {
	who := c.session.Account
	if err := c.quota(c.ctx, "change "+string(who[:]), changeLimits()...); err != nil {
		return err
	}
	switch q.(type) {
	case account.ContactInvite:
		return c.quota(c.ctx, "invite "+string(who[:]), inviteLimits()...)
	case account.ContactAsk:
		m, err := c.store.Me(c.ctx, who)
		if err != nil {
			return err
		}
		newcomer := c.now().Unix()/86400 < int64(m.CreatedDay)+newcomerDays
		return c.quota(c.ctx, "ask "+string(who[:]), askLimits(newcomer)...)
	}
	return nil
}
