package service_test

import (
	"os"
	"testing"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
)

// running is a mailbox on loopback.
type running struct {
	*servicetest.Running
	log *servicetest.Log
}

// start runs a mailbox until Stop or the end of the test.
func start(t *testing.T, cfg service.Config) *running {
	t.Helper()
	log := &servicetest.Log{}
	cfg.Log = log.Logger()
	return &running{servicetest.StartMailbox(t, cfg, ""), log}
}

func TestMain(m *testing.M) { os.Exit(servicetest.Main(m)) }
