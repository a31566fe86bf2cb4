package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"viewflip.app/keychain"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// reachTime bounds the question whether the service answers.
const reachTime = 8 * time.Second

// runDoctor says line by line what works here.
func runDoctor(ctx context.Context, w world, _ []string) error {
	say := func(c platform.Capability) error {
		mark := "ok     "
		if !c.OK {
			mark = "missing"
		}
		line := fmt.Sprintf("%s  %-15s %s", mark, c.Name, c.Detail)
		if c.Remedy != "" && !c.OK {
			line = strings.TrimSuffix(line, ".") + "; " + c.Remedy
		}
		_, err := fmt.Fprintln(w.stdout, line)
		return err
	}
	var lines []platform.Capability
	d, err := platform.Open("", w.logger())
	if err != nil {
		lines = append(lines, platform.Capability{Name: "display server", Detail: plain(err)})
	} else {
		lines = append(lines, d.Capabilities()...)
		lines = append(lines, panicLine(ctx, w, d))
		if err := d.Close(); err != nil {
			return err
		}
	}
	lines = append(lines, awayLine(ctx, w))
	dirs, err := platform.UserDirs(w.getenv)
	if err != nil {
		return err
	}
	k, err := keychain.Open(ctx, keychain.Options{
		App: "viewflip", Dir: dirs.Data, Kind: keychain.Kind(w.getenv("VIEWFLIP_KEYCHAIN")), Log: w.logger(),
		Passphrase: func(context.Context, bool) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(w.getenv("VIEWFLIP_PASSPHRASE"))), nil
		},
	})
	if err != nil {
		lines = append(lines, platform.Capability{Name: "keychain", Detail: plain(err)})
	} else {
		lines = append(lines, platform.Capability{
			Name: "keychain", OK: k.Kind() != keychain.Memory, Detail: k.Describe(),
			Remedy: "sharing and joining by link work all the same; VIEWFLIP_KEYCHAIN=file keeps the key in a sealed file",
		})
	}
	lines = append(lines, codecLine(), networkLine(ctx, w))
	for _, c := range lines {
		if err := say(c); err != nil {
			return err
		}
	}
	return nil
}

// codecLine says which of the codecs this build has.
func codecLine() platform.Capability {
	c := platform.Capability{Name: "codecs", OK: true, Detail: "lossless tiles"}
	for _, k := range codecs() {
		if k.MimeType == rtc.MimeTypeVP9 {
			c.Detail += ", VP9 for peers that are not viewflip"
		}
	}
	return c
}

// networkLine says how others reach this machine, and whether the service does
// what calls need of it.
func networkLine(ctx context.Context, w world) platform.Capability {
	c := platform.Capability{Name: "network"}
	ice, err := iceServers(w.getenv("VIEWFLIP_ICE"))
	if err != nil {
		c.Detail = plain(err)
		return c
	}
	if s := w.getenv("VIEWFLIP_SERVICE"); s != "" {
		if err := reach(ctx, w, s); err != nil {
			c.Detail = plain(err)
			c.Remedy = "ask who runs the service, or unset VIEWFLIP_SERVICE to use the private one"
			return c
		}
	}
	addrs := service.OwnAddresses()
	if len(addrs) == 0 {
		c.Detail = "this machine has no address but its own loopback"
		c.Remedy = "connect it to a network; calls within this machine work"
		return c
	}
	c.OK = true
	c.Detail = "direct connections (UDP) from " + strings.Join(addrs, ", ")
	if len(ice) == 0 {
		c.Detail += "; across the internet, VIEWFLIP_ICE adds STUN and TURN servers"
	}
	return c
}

// reach asks a service for an invite that cannot exist: "unknown" is the
// answer of one that works.
func reach(ctx context.Context, w world, url string) error {
	svc, err := client.ParseServiceURL(url)
	if err != nil {
		return fmt.Errorf("VIEWFLIP_SERVICE: %w", err)
	}
	id, err := wire.NewIdentity(rand.Reader)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Service: svc, Identity: id, Log: w.logger()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	ended := make(chan error, 1)
	wg.Go(func() { ended <- c.Run(ctx) })
	if _, err := c.Lookup(ctx, wire.InviteID{}); err != nil && !errors.Is(err, client.ErrUnknownInvite) {
		select {
		case e := <-ended: // says more
			if e != nil && ctx.Err() == nil {
				return e
			}
		default:
		}
		return err
	}
	return nil
}
