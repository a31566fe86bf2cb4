package accounts_test

import (
	"os"
	"testing"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/service/servicetest"
)

// running is a service with accounts on loopback.
type running struct {
	*servicetest.Running
	svc *accounts.Service
	log *servicetest.Log
	dir string // of its data
}

// start runs a service until Stop or the end of the test.
func start(t *testing.T, cfg accounts.Config) *running {
	t.Helper()
	log := &servicetest.Log{}
	if cfg.Mailbox.Log == nil {
		cfg.Mailbox.Log = log.Logger()
	}
	r, s := servicetest.StartAccounts(t, cfg)
	return &running{Running: r, svc: s, log: log}
}

func startAccounts(t *testing.T, cfg service.Config) (*running, *servicetest.Outbox) {
	t.Helper()
	dir, log := t.TempDir(), &servicetest.Log{}
	cfg.Log = log.Logger()
	withAccounts, out := servicetest.Accounts(t, cfg, dir)
	s := start(t, withAccounts)
	s.dir, s.log = dir, log
	return s, out
}

func TestMain(m *testing.M) { os.Exit(servicetest.Main(m)) }
