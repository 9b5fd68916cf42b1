package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// certify writes a certificate for the loopback address, and returns what trusts it.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "proxy"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// A certificate that was renewed is there after a reload, without a restart.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "proxy.json")
	config := fmt.Sprintf(`{"secrets": [%q], "servers": [], "tls": {"cert": "cert.pem", "key": "key.pem"}}`, clientSecret)
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	_, err := source{path: path}.read()
	require.ErrorContains(t, err, "tls: open ")

	first := certify(t, dir)
	r := start(t, Program{Name: "proxy"}, "-config", path, "-listen", "127.0.0.1:0")
	r.root = strings.Replace(r.root, "http:", "https:", 1)
	trust := func(pool *x509.CertPool) {
		r.client.Transport = &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		}
	}
	trust(first)
	resp, body, err := r.get(r.root + "/bigbluebutton/api")
	require.NoError(t, err)
	assert.Equal(t, "HTTP/2.0", resp.Proto)
	assert.Contains(t, body, "SUCCESS")

	second := certify(t, dir)
	r.reload <- syscall.SIGHUP
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "was read again") }, time.Minute, 5*time.Millisecond)
	_, _, err = r.get(r.root + "/bigbluebutton/api")
	require.Error(t, err, "it has the new one")
	trust(second)
	_, _, err = r.get(r.root + "/bigbluebutton/api")
	require.NoError(t, err)

	// Plain HTTP needs a restart. A reload once took the certificate away all the same, and with it
	// every connection.
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `{"secrets": [%q], "servers": []}`, clientSecret), 0o600))
	r.reload <- syscall.SIGHUP
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "restart only\" field=tls") }, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool { return strings.Count(r.log.String(), "was read again") == 2 }, time.Minute, 5*time.Millisecond)
	_, _, err = r.get(r.root + "/bigbluebutton/api")
	require.NoError(t, err)
	r.stop()
	require.NoError(t, <-r.done)
}
