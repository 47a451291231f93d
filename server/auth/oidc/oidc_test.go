package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/oidc"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider is an OpenID Connect issuer that serves over HTTP.
type provider struct {
	*httptest.Server
	keys  map[string]*ecdsa.PrivateKey
	asked atomic.Int64 // for keys
	down  atomic.Bool
	at    time.Time
}

func start(t *testing.T) *provider {
	t.Helper()
	p := &provider{keys: map[string]*ecdsa.PrivateKey{}, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	p.add(t, "one")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		var set jose.JSONWebKeySet
		for kid, key := range p.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"})
		}
		_ = json.NewEncoder(w).Encode(set)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return p
}

func (p *provider) add(t *testing.T, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p.keys[kid] = key
}

func (p *provider) now() time.Time { return p.at }

func (p *provider) issuer() *oidc.Issuer {
	return oidc.New(oidc.Options{Issuer: p.URL, Audience: "orders", RolesClaim: "roles", CustomerClaim: "shop_customer", Now: p.now})
}

// token signs the claims of a good token, changed, with a key.
func (p *provider) token(t *testing.T, kid string, change func(map[string]any)) string {
	t.Helper()
	claims := map[string]any{
		"iss": p.URL, "sub": "u1", "aud": []string{"other", "orders"}, "iat": p.at.Unix(), "exp": p.at.Add(time.Hour).Unix(),
		"roles": []string{"Customer", "owner of the universe"}, "shop_customer": "cus_1",
	}
	if change != nil {
		change(claims)
	}
	return sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: p.keys[kid]}, kid, claims)
}

func sign(t *testing.T, key jose.SigningKey, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithHeader("kid", kid))
	require.NoError(t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return token
}

func TestVerify(t *testing.T) {
	p := start(t)
	issuer := p.issuer()
	verify := func(t *testing.T, token string) (auth.Caller, error) {
		t.Helper()
		c, _, err := issuer.Verify(t.Context(), token)
		return c, err
	}
	t.Run("its token says who calls", func(t *testing.T) {
		c, expires, err := issuer.Verify(t.Context(), p.token(t, "one", nil))
		require.NoError(t, err)
		require.Equal(t, auth.Caller{ID: p.URL + "#u1", CustomerID: "cus_1", Roles: []auth.Role{auth.Customer}}, c)
		require.True(t, expires.Equal(p.at.Add(time.Hour)))
	})
	for name, tt := range map[string]struct {
		change func(map[string]any)
		want   []auth.Role
	}{
		"one role as a text":            {func(c map[string]any) { c["roles"] = "staff" }, []auth.Role{auth.Staff}},
		"several roles":                 {func(c map[string]any) { c["roles"] = []any{"operator", "STAFF", "staff", 7} }, []auth.Role{auth.Staff, auth.Operator}},
		"no roles":                      {func(c map[string]any) { delete(c, "roles") }, nil},
		"roles of another kind":         {func(c map[string]any) { c["roles"] = map[string]any{"staff": true} }, nil},
		"a service, which no token is":  {func(c map[string]any) { c["roles"] = []any{"service", "anyone"} }, nil},
		"a customer whom nothing names": {func(c map[string]any) { delete(c, "shop_customer") }, []auth.Role{}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := verify(t, p.token(t, "one", tt.change))
			require.NoError(t, err)
			require.ElementsMatch(t, tt.want, c.Roles)
			require.Empty(t, c.CustomerID)
		})
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, token := range map[string]string{
		"another audience":        p.token(t, "one", func(c map[string]any) { c["aud"] = "others" }),
		"another issuer":          p.token(t, "one", func(c map[string]any) { c["iss"] = "https://evil.example" }),
		"nobody":                  p.token(t, "one", func(c map[string]any) { delete(c, "sub") }),
		"later":                   p.token(t, "one", func(c map[string]any) { c["nbf"] = p.at.Add(time.Hour).Unix() }),
		"a stranger's key":        sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: stranger}, "one", map[string]any{"iss": p.URL, "sub": "u1", "aud": "orders", "exp": p.at.Add(time.Hour).Unix()}),
		"the public key's secret": sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: append([]byte{4}, p.keys["one"].X.Bytes()...)}, "one", map[string]any{"iss": p.URL, "sub": "u1", "aud": "orders", "exp": p.at.Add(time.Hour).Unix()}),
		"no algorithm":            "eyJhbGciOiJub25lIn0.e30.",
		"nothing":                 "",
	} {
		t.Run("a token of "+name+" is refused", func(t *testing.T) {
			_, err := verify(t, token)
			require.Equal(t, fault.ReasonCredentialsInvalid, fault.ReasonOf(err), "%v", err)
		})
	}
	t.Run("an expired token says so", func(t *testing.T) {
		_, err := verify(t, p.token(t, "one", func(c map[string]any) { c["exp"] = p.at.Add(-time.Minute).Unix() }))
		require.Equal(t, fault.ReasonTokenExpired, fault.ReasonOf(err), "%v", err)
	})
}

func TestKeysOfTheIssuer(t *testing.T) {
	t.Run("they are read once, and again when a new one signs", func(t *testing.T) {
		p := start(t)
		issuer := p.issuer()
		for range 10 {
			_, _, err := issuer.Verify(t.Context(), p.token(t, "one", nil))
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, p.asked.Load())
		p.add(t, "two")
		p.at = p.at.Add(time.Minute)
		_, _, err := issuer.Verify(t.Context(), p.token(t, "two", nil))
		require.NoError(t, err)
		require.EqualValues(t, 2, p.asked.Load())
	})
	t.Run("one that was withdrawn is good for a quarter of an hour at most", func(t *testing.T) {
		p := start(t)
		issuer := p.issuer()
		token := p.token(t, "one", nil)
		_, _, err := issuer.Verify(t.Context(), token)
		require.NoError(t, err)
		delete(p.keys, "one")
		p.add(t, "two")
		p.at = p.at.Add(15 * time.Minute)
		_, _, err = issuer.Verify(t.Context(), token)
		require.Equal(t, fault.ReasonCredentialsInvalid, fault.ReasonOf(err), "%v", err)
	})
	t.Run("key ids of strangers do not make us ask each time", func(t *testing.T) {
		p := start(t)
		issuer := p.issuer()
		for range 50 {
			_, _, err := issuer.Verify(t.Context(), sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: p.keys["one"]}, rand.Text(),
				map[string]any{"iss": p.URL, "sub": "u1", "aud": "orders", "exp": p.at.Add(time.Hour).Unix()}))
			require.Equal(t, fault.ReasonCredentialsInvalid, fault.ReasonOf(err), "%v", err)
		}
		require.EqualValues(t, 1, p.asked.Load())
	})
	t.Run("an issuer that is down is no bad token, and comes back by itself", func(t *testing.T) {
		p := start(t)
		issuer := p.issuer()
		p.down.Store(true)
		_, _, err := issuer.Verify(t.Context(), p.token(t, "one", nil))
		require.Equal(t, fault.ReasonDependencyDown, fault.ReasonOf(err), "%v", err)
		require.Positive(t, fault.From(err).RetryAfter)
		p.down.Store(false)
		p.at = p.at.Add(2 * time.Second)
		_, _, err = issuer.Verify(t.Context(), p.token(t, "one", nil))
		require.NoError(t, err)

		p.down.Store(true)
		p.at = p.at.Add(time.Hour)
		_, _, err = issuer.Verify(t.Context(), p.token(t, "one", nil))
		require.NoError(t, err, "known keys serve on")
		p.add(t, "two")
		_, _, err = issuer.Verify(t.Context(), p.token(t, "two", nil))
		require.Equal(t, fault.ReasonDependencyDown, fault.ReasonOf(err), "%v", err)
	})
}
