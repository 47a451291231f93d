package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// fake speaks as much of Vault's API as the client needs, without a network, so that time can be made up. It does
// what the real one cannot be made to do at will; the real one is asked in vault_real_test.go.
type fake struct {
	mu       sync.Mutex
	down     bool          // nobody answers
	status   int           // what every call gets; 0 for what it should
	life     time.Duration // of a lease and of a token, at each renewal
	longest  time.Duration // of a lease from when it was made
	made     time.Time     // of the latest lease
	logins   int
	users    int
	renewals int
	last     *http.Request
	data     map[string]any // of secret/shop
}

func newFake() *fake {
	return &fake{life: 10 * time.Minute, longest: time.Hour, data: map[string]any{"key": "hunter2", "port": 5, "list": []string{"a"}, "empty": ""}}
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = r
	if f.down {
		return nil, errors.New("connection refused")
	}
	res := f.answer(r)
	res.Request = r
	return res, nil
}

func (f *fake) answer(r *http.Request) *http.Response {
	if f.status != 0 {
		return answer(f.status, map[string]any{"errors": []string{"no"}})
	}
	body := map[string]any{}
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	auth := map[string]any{"auth": map[string]any{"client_token": fmt.Sprintf("token-%d", f.logins+1), "renewable": true, "lease_duration": int(f.life.Seconds())}}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); {
	case path == "sys/health":
		return answer(200, map[string]any{"initialized": true, "sealed": false})
	case path == "auth/approle/login":
		if body["secret_id"] != "s" || r.Header.Get("X-Vault-Token") != "" {
			return answer(400, map[string]any{"errors": []string{"invalid role or secret ID"}})
		}
		f.logins++
		return answer(200, auth)
	case path == "auth/k8s/login":
		if body["jwt"] != "jwt" || body["role"] != "orders" {
			return answer(403, nil)
		}
		f.logins++
		return answer(200, auth)
	case path == "auth/token/lookup-self":
		return answer(200, map[string]any{"data": map[string]any{"renewable": true, "ttl": int(f.life.Seconds())}})
	case path == "auth/token/renew-self":
		return answer(200, auth)
	case strings.HasPrefix(path, "sys/internal/ui/mounts/secret/"):
		return answer(200, map[string]any{"data": map[string]any{"path": "secret/", "type": "kv", "options": map[string]any{"version": "2"}}})
	case strings.HasPrefix(path, "sys/internal/ui/mounts/old/"):
		return answer(200, map[string]any{"data": map[string]any{"path": "old/", "type": "kv"}})
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		return answer(403, nil)
	case path == "secret/data/shop":
		data := f.data
		if v := r.URL.Query().Get("version"); v != "" {
			data = map[string]any{"key": "version-" + v}
		}
		return answer(200, map[string]any{"data": map[string]any{"data": data, "metadata": map[string]any{"version": 1}}})
	case path == "secret/data/deleted":
		return answer(404, map[string]any{"data": map[string]any{"data": nil, "metadata": map[string]any{"version": 1}}})
	case path == "secret/data/mine":
		return answer(403, map[string]any{"errors": []string{"permission denied"}})
	case path == "old/shop":
		return answer(200, map[string]any{"data": f.data})
	case path == "database/creds/orders":
		f.users++
		f.made = time.Now()
		return answer(200, map[string]any{
			"lease_id": fmt.Sprintf("database/creds/orders/%d", f.users), "lease_duration": int(f.life.Seconds()), "renewable": true,
			"data": map[string]any{"username": fmt.Sprintf("user-%d", f.users), "password": "hunter2"},
		})
	case path == "database/static-creds/orders":
		return answer(200, map[string]any{"data": map[string]any{"username": "static", "password": "hunter2"}})
	case path == "sys/leases/renew":
		f.renewals++
		life := min(f.life, f.longest-time.Since(f.made))
		return answer(200, map[string]any{"lease_id": body["lease_id"], "lease_duration": int(life.Seconds()), "renewable": true})
	}
	return answer(404, map[string]any{"errors": []string{}})
}

func answer(status int, body any) *http.Response {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// notes are what was logged.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

var appRole = AppRole{RoleID: "r", SecretID: "s"}

// newClient is a client of a fake that is not logged in yet.
func newClient(t *testing.T, f *fake, auth Auth) (*Client, *notes) {
	t.Helper()
	out := &notes{}
	c, err := New(Options{
		Address: "http://vault.example:8200", Namespace: "shop", Auth: auth, Transport: f,
		Logger: slog.New(slog.NewTextHandler(out, nil)), Registry: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	return c, out
}
