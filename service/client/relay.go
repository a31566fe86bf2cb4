package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"viewflip.app/wire"
)

// relayFresh is how long credentials must be good for at least; those that last
// longer are given out again, so that a call of many asks once.
const relayFresh = 150 * time.Second

// Relay returns credentials for the relay of the service, which last for minutes,
// or ErrNoRelay. The service gives them to devices that made or looked up an
// invitation, or are bound to a session.
func (c *Client) Relay(ctx context.Context) (wire.RelayCredentials, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return wire.RelayCredentials{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	c.mu.Lock()
	have, quote := c.relay, c.looked
	for id, expires := range c.invites {
		if time.Now().Before(expires) {
			quote = id
			break
		}
	}
	c.mu.Unlock()
	if time.Until(time.Unix(have.Expires, 0)) >= relayFresh {
		return have, nil
	}
	reply, err := c.request(ctx, wire.Relay{Invite: quote})
	switch {
	case errors.Is(err, ErrUnknownInvite), errors.Is(err, ErrUnavailable) && ctx.Err() == nil:
		return wire.RelayCredentials{}, fmt.Errorf("%w: %w", ErrNoRelay, err)
	case err != nil:
		return wire.RelayCredentials{}, err
	}
	r, ok := reply.(wire.RelayCredentials)
	if !ok {
		return wire.RelayCredentials{}, fmt.Errorf("%w: it gave a wrong answer", ErrUnavailable)
	}
	c.mu.Lock()
	c.relay = r
	c.mu.Unlock()
	return r, nil
}
