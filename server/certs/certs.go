// Package certs makes an authority and certificates for development and tests. A production has an
// authority of its own.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"
)

// clockSkew is how much earlier than now a certificate is good: clocks differ.
const clockSkew = 5 * time.Minute

// Authority signs certificates. Make it with NewAuthority or LoadAuthority.
type Authority struct {
	Pair
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair is a certificate and its private key, PEM.
type Pair struct {
	Certificate, Key []byte
}

// Request says what a certificate is for.
type Request struct {
	Name    string
	Hosts   []string // names and addresses of a server; none for a client
	Service *url.URL // spiffe://…, who a client is; nil for none
	Life    time.Duration
}

// NewAuthority makes an authority that signs itself.
func NewAuthority(name string, life time.Duration) (*Authority, error) {
	template, key, err := begin(name, life)
	if err != nil {
		return nil, err
	}
	template.IsCA, template.MaxPathLenZero = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	pair, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return parseAuthority(pair)
}

// LoadAuthority reads an authority that Write wrote.
func LoadAuthority(certificateFile, keyFile string) (*Authority, error) {
	certificate, err := os.ReadFile(certificateFile) //nolint:gosec // a file that the user named
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(keyFile) //nolint:gosec // a file that the user named
	if err != nil {
		return nil, err
	}
	return parseAuthority(Pair{Certificate: certificate, Key: key})
}

func parseAuthority(pair Pair) (*Authority, error) {
	certificate, _ := pem.Decode(pair.Certificate)
	key, _ := pem.Decode(pair.Key)
	if certificate == nil || key == nil {
		return nil, errors.New("the authority is no PEM")
	}
	parsed, err := x509.ParseCertificate(certificate.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate of the authority: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of the authority: %w", err)
	}
	signer, ok := private.(*ecdsa.PrivateKey)
	if !ok || !parsed.IsCA || !signer.PublicKey.Equal(parsed.PublicKey) {
		return nil, errors.New("the certificate and the key are not those of one authority")
	}
	return &Authority{Pair: pair, certificate: parsed, key: signer}, nil
}

// Issue makes a certificate: of a server when it has hosts, else of a client.
func (a *Authority) Issue(r Request) (Pair, error) {
	template, key, err := begin(r.Name, r.Life)
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(r.Hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, host := range r.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if r.Service != nil {
		template.URIs = []*url.URL{r.Service}
	}
	return sign(template, a.certificate, key, a.key)
}

// Revoke makes a list of the certificates that are not good any more, PEM. It replaces the one before.
func (a *Authority) Revoke(life time.Duration, pairs ...Pair) ([]byte, error) {
	now := time.Now()
	list := &x509.RevocationList{Number: big.NewInt(now.UnixNano()), ThisUpdate: now.Add(-clockSkew), NextUpdate: now.Add(life)}
	for _, pair := range pairs {
		block, _ := pem.Decode(pair.Certificate)
		if block == nil {
			return nil, errors.New("a certificate to revoke is no PEM")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: certificate.SerialNumber, RevocationTime: now})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// Write writes the pair to files that nobody else may read.
func (p Pair) Write(certificateFile, keyFile string) error {
	return errors.Join(os.WriteFile(keyFile, p.Key, 0o600), os.WriteFile(certificateFile, p.Certificate, 0o600))
}

func begin(name string, life time.Duration) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("make a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(life),
	}, key, nil
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return Pair{}, fmt.Errorf("sign the certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("write the key: %w", err)
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}
