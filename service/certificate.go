package service

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"viewflip.app/private"
)

const (
	certificateName = "service.pem"
	maxCertificate  = 64 << 10
	certificateLife = 10 * 365 * 24 * time.Hour
)

// NewCertificate makes a self-signed ECDSA P-256 certificate that names
// nobody. Clients check its Pin and nothing else of it.
func NewCertificate() (tls.Certificate, error) {
	b, err := newPEM()
	if err != nil {
		return tls.Certificate{}, err
	}
	return parsePEM(b)
}

// LoadOrCreateCertificate reads the key and certificate from dir, or makes
// them: one file, 0600, there completely or not at all.
func LoadOrCreateCertificate(dir string) (tls.Certificate, error) {
	path := filepath.Join(dir, certificateName)
	cert, err := loadCertificate(path)
	if !errors.Is(err, os.ErrNotExist) {
		return cert, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, fmt.Errorf("service: make data directory: %w", err)
	}
	if err := createCertificate(path); err != nil {
		return tls.Certificate{}, fmt.Errorf("service: write certificate: %w", err)
	}
	return loadCertificate(path)
}

// LoadCertificate reads the certificate that LoadOrCreateCertificate made.
func LoadCertificate(dir string) (tls.Certificate, error) {
	return loadCertificate(filepath.Join(dir, certificateName))
}

func loadCertificate(path string) (tls.Certificate, error) {
	f, err := os.Open(path)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("service: read certificate: %w", err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("service: read certificate: %w", err)
	}
	if !private.File(st) {
		return tls.Certificate{}, fmt.Errorf("service: others can read the private key %s: make it yours alone (chmod 600), or delete it and give clients the new address", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCertificate))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("service: read certificate: %w", err)
	}
	cert, err := parsePEM(b)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("service: %s is damaged: restore it, or delete it and give clients the new address: %w", path, err)
	}
	return cert, nil
}

func parsePEM(b []byte) (tls.Certificate, error) {
	cert, err := tls.X509KeyPair(b, b)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("service: certificate: %w", err)
	}
	return cert, nil
}

// createCertificate writes a new file, unless another process was faster.
func createCertificate(path string) (err error) {
	b, err := newPEM()
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), certificateName+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(t.Name()) }()
	_, err = t.Write(b)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	err = os.Link(t.Name(), path) // unlike a rename it never replaces
	if err != nil && !errors.Is(err, os.ErrExist) {
		err = os.Rename(t.Name(), path) // a file system without links
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

func newPEM() ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("service: make certificate: %w", err) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fail(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return fail(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "viewflip service"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fail(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fail(err)
	}
	var out bytes.Buffer
	if err := errors.Join(
		pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}),
	); err != nil {
		return fail(err)
	}
	return out.Bytes(), nil
}
