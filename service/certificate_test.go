package service_test

import (
	"bytes"
	"crypto/sha256"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"viewflip.app/service"
	"viewflip.app/wire"
)

func TestCertificateIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	first, err := service.LoadOrCreateCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := service.LoadOrCreateCertificate(dir)
	if err != nil || !bytes.Equal(first.Certificate[0], again.Certificate[0]) {
		t.Errorf("another certificate: %v", err)
	}
	pin, err := service.Pin(first)
	if err != nil || pin != sha256.Sum256(first.Leaf.RawSubjectPublicKeyInfo) {
		t.Errorf("pin %x, %v", pin, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	st, err := files[0].Info()
	if err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	path := filepath.Join(dir, files[0].Name())
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := service.LoadOrCreateCertificate(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("a key that others can read: %v", err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, []byte("x"), whole[:len(whole)/2], whole[len(whole)/2:]} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		// A new key would lock every client out: that is for people to decide.
		if _, err := service.LoadOrCreateCertificate(dir); err == nil {
			t.Error("a damaged file was accepted or replaced")
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, b) {
			t.Errorf("a damaged file was touched: %v", err)
		}
	}
	other, err := service.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := service.Pin(other); err != nil || p == pin {
		t.Errorf("two certificates with one key: %v", err)
	}
}

// Of several processes that make one at the same time, all get the same.
func TestCertificateRace(t *testing.T) {
	dir := t.TempDir()
	pins := make([][32]byte, 8)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			cert, err := service.LoadOrCreateCertificate(dir)
			if err != nil {
				t.Error(err)
				return
			}
			pins[i], err = service.Pin(cert)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range pins {
		if p != pins[0] {
			t.Fatalf("%x and %x", p, pins[0])
		}
	}
}

func TestAdvertise(t *testing.T) {
	own := service.Advertise(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7465})
	if len(own) != 1 || own[0] != "192.0.2.1:7465" {
		t.Errorf("%v", own)
	}
	for _, ip := range []net.IP{net.IPv4zero, net.IPv6unspecified} {
		all := service.Advertise(&net.TCPAddr{IP: ip, Port: 7465})
		if n := len(all); n == 0 || n > wire.MaxServiceAddrs || all[n-1] != "127.0.0.1:7465" {
			t.Errorf("%v", all)
		}
		if _, err := wire.ParseServiceURL(wire.Service{Addrs: all}.URL()); err != nil {
			t.Errorf("%v: %v", all, err)
		}
	}
}
