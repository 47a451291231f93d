package tokens_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// memory is stored keys, for several replicas.
type memory struct {
	mu    sync.Mutex
	keys  []tokens.Key
	reads int
	err   error
}

func (m *memory) SigningKeys(context.Context) ([]tokens.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return slices.Clone(m.keys), m.err
}

func (m *memory) AddSigningKey(_ context.Context, k tokens.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.ContainsFunc(m.keys, func(other tokens.Key) bool { return other.Number == k.Number }) {
		m.keys = append(m.keys, k)
	}
	return m.err
}

func (m *memory) SealSigningKey(_ context.Context, number int, private []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, k := range m.keys {
		if k.Number == number && !k.Sealed {
			m.keys[i].Private, m.keys[i].Sealed = private, true
		}
	}
	return m.err
}

func (m *memory) DropSigningKeys(_ context.Context, below int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = slices.DeleteFunc(m.keys, func(k tokens.Key) bool { return k.Number < below })
	return m.err
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func open(t *testing.T, keys tokens.Keys, c *clock) *tokens.Tokens {
	t.Helper()
	made, err := tokens.New(t.Context(), tokens.Options{Keys: keys, Issuer: "us", Audience: "api", Now: c.now})
	require.NoError(t, err)
	return made
}

var claims = tokens.Claims{Subject: "usr_1", Session: "ses_1", Roles: []auth.Role{auth.Customer, auth.Staff}, CustomerID: "usr_1"}

func sign(t *testing.T, with *tokens.Tokens) string {
	t.Helper()
	token, _, err := with.Sign(t.Context(), claims)
	require.NoError(t, err)
	return token
}

func refused(t *testing.T, by *tokens.Tokens, token string, reason fault.Reason) {
	t.Helper()
	_, _, err := by.Verify(t.Context(), token)
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(err), "%v", err)
	require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
}

func TestTokens(t *testing.T) {
	t.Run("a token says what it was made from, for ten minutes", func(t *testing.T) {
		c := newClock()
		made := open(t, &memory{}, c)
		token, expires, err := made.Sign(t.Context(), claims)
		require.NoError(t, err)
		require.Equal(t, c.at.Add(10*time.Minute), expires)
		got, until, err := made.Verify(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, claims, got)
		require.True(t, expires.Equal(until))

		c.forward(10*time.Minute + 29*time.Second) // clocks may differ by 30 s
		_, _, err = made.Verify(t.Context(), token)
		require.NoError(t, err)
		c.forward(2 * time.Second)
		refused(t, made, token, fault.ReasonTokenExpired)
	})
	t.Run("a token from the future is refused", func(t *testing.T) {
		keys := &memory{}
		ahead, here := newClock(), newClock()
		ahead.forward(time.Minute)
		made := open(t, keys, here)
		refused(t, made, sign(t, open(t, keys, ahead)), fault.ReasonCredentialsInvalid)
	})
	for name, change := range map[string]func(*tokens.Options){
		"another issuer":   func(o *tokens.Options) { o.Issuer = "them" },
		"another audience": func(o *tokens.Options) { o.Audience = "their api" },
	} {
		t.Run("a token of "+name+" is refused", func(t *testing.T) {
			c, keys := newClock(), &memory{}
			o := tokens.Options{Keys: keys, Issuer: "us", Audience: "api", Now: c.now}
			change(&o)
			theirs, err := tokens.New(t.Context(), o)
			require.NoError(t, err)
			refused(t, open(t, keys, c), sign(t, theirs), fault.ReasonCredentialsInvalid)
		})
	}
}

// forge builds a compact token from a header and the claims of a good one.
func forge(t *testing.T, header map[string]any, good string, signature func(input string) []byte) string {
	t.Helper()
	raw, err := json.Marshal(header)
	require.NoError(t, err)
	input := base64.RawURLEncoding.EncodeToString(raw) + "." + strings.Split(good, ".")[1]
	return input + "." + base64.RawURLEncoding.EncodeToString(signature(input))
}

func TestVerify_attacks(t *testing.T) {
	c, keys := newClock(), &memory{}
	made := open(t, keys, c)
	good := sign(t, made)
	kid, public := keys.keys[0].ID, ed25519.PublicKey(keys.keys[0].Public)
	private := ed25519.NewKeyFromSeed(keys.keys[0].Private)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	none := func(string) []byte { return nil }
	by := func(key ed25519.PrivateKey) func(string) []byte {
		return func(input string) []byte { return ed25519.Sign(key, []byte(input)) }
	}
	hmacOf := func(key []byte) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key},
			(&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", kid))
		require.NoError(t, err)
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(good, ".")[1])
		require.NoError(t, err)
		signed, err := signer.Sign(payload)
		require.NoError(t, err)
		token, err := signed.CompactSerialize()
		require.NoError(t, err)
		return token
	}
	signed := func(key ed25519.PrivateKey, typ string, all ...any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key},
			(&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", kid))
		require.NoError(t, err)
		builder := jwt.Signed(signer)
		for _, one := range all {
			builder = builder.Claims(one)
		}
		token, err := builder.Serialize()
		require.NoError(t, err)
		return token
	}
	full := func(change func(*jwt.Claims)) jwt.Claims {
		claims := jwt.Claims{
			Issuer: "us", Subject: "usr_1", Audience: jwt.Audience{"api"}, ID: "1", IssuedAt: jwt.NewNumericDate(c.at),
			NotBefore: jwt.NewNumericDate(c.at), Expiry: jwt.NewNumericDate(c.at.Add(time.Minute)),
		}
		change(&claims)
		return claims
	}
	_, _, err = made.Verify(t.Context(), signed(private, "at+jwt", full(func(*jwt.Claims) {})))
	require.NoError(t, err, "what the attacks below begin from is good")

	for name, token := range map[string]string{
		"nothing":                     "",
		"no token":                    "hunter2",
		"dots":                        "..",
		"alg none":                    forge(t, map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid}, good, none),
		"alg None":                    forge(t, map[string]any{"alg": "None", "typ": "at+jwt", "kid": kid}, good, none),
		"no signature":                strings.Join(strings.Split(good, ".")[:2], ".") + ".",
		"the public key as a secret":  hmacOf(public),
		"the public JWK as a secret":  hmacOf([]byte(base64.RawURLEncoding.EncodeToString(public))),
		"a key of the caller's own":   forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": kid}, good, by(stranger)),
		"a key in the header":         forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "jwk": jose.JSONWebKey{Key: stranger.Public()}}, good, by(stranger)),
		"a key at an address":         forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": "x", "jku": "http://127.0.0.1:1/jwks"}, good, by(stranger)),
		"a kid that is SQL":           forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": "' OR 1=1 --"}, good, by(stranger)),
		"a kid that is a file":        forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": "../../../dev/null"}, good, by(stranger)),
		"no kid":                      forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt"}, good, by(private)),
		"a critical header":           forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "crit": []string{"exp"}}, good, by(private)),
		"a token for another end":     signed(private, "JWT", full(func(*jwt.Claims) {})),
		"a token that never ends":     signed(private, "at+jwt", full(func(c *jwt.Claims) { c.Expiry = nil })),
		"a token good for years":      signed(private, "at+jwt", full(func(cl *jwt.Claims) { cl.Expiry = jwt.NewNumericDate(c.at.AddDate(9, 0, 0)) })),
		"a token without a beginning": signed(private, "at+jwt", full(func(c *jwt.Claims) { c.NotBefore = nil })),
		"a token without an age":      signed(private, "at+jwt", full(func(c *jwt.Claims) { c.IssuedAt = nil })),
		"a token made in the future": signed(private, "at+jwt", full(func(cl *jwt.Claims) {
			cl.IssuedAt, cl.Expiry = jwt.NewNumericDate(c.at.Add(time.Hour)), jwt.NewNumericDate(c.at.Add(time.Hour))
		})),
		"not before":                 signed(private, "at+jwt", full(func(cl *jwt.Claims) { cl.NotBefore = jwt.NewNumericDate(c.at.Add(time.Minute)) })),
		"a token without an id":      signed(private, "at+jwt", full(func(c *jwt.Claims) { c.ID = "" })),
		"a token of nobody":          signed(private, "at+jwt", full(func(c *jwt.Claims) { c.Subject = "" })),
		"a token for nobody":         signed(private, "at+jwt", full(func(c *jwt.Claims) { c.Audience = nil })),
		"a token of no issuer":       signed(private, "at+jwt", full(func(c *jwt.Claims) { c.Issuer = "" })),
		"a token of a megabyte":      good + strings.Repeat("A", 1<<20),
		"a token with one bit else":  good[:len(good)-10] + flip(good[len(good)-10]) + good[len(good)-9:],
		"a token in JSON":            `{"payload":"` + strings.Split(good, ".")[1] + `","signatures":[]}`,
		"a token with another claim": strings.Split(good, ".")[0] + "." + strings.Split(signed(stranger, "at+jwt", full(func(c *jwt.Claims) { c.Subject = "usr_2" })), ".")[1] + "." + strings.Split(good, ".")[2],
	} {
		t.Run(name+" is refused", func(t *testing.T) { refused(t, made, token, fault.ReasonCredentialsInvalid) })
	}
	t.Run("an expired token says so", func(t *testing.T) {
		refused(t, made, signed(private, "at+jwt", full(func(cl *jwt.Claims) { cl.Expiry = jwt.NewNumericDate(c.at.Add(-time.Minute)) })), fault.ReasonTokenExpired)
	})
	t.Run("key ids of strangers do not make us read the keys each time", func(t *testing.T) {
		before := keys.reads
		for range 100 {
			refused(t, made, forge(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": rand.Text()}, good, by(stranger)), fault.ReasonCredentialsInvalid)
		}
		require.LessOrEqual(t, keys.reads, before+1)
	})
}

func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestRotation(t *testing.T) {
	const day = 24 * time.Hour
	kids := func(t *testing.T, from *tokens.Tokens) (kids []string) {
		t.Helper()
		set, err := from.JWKS(t.Context())
		require.NoError(t, err)
		for _, k := range set.Keys {
			require.True(t, k.IsPublic())
			kids = append(kids, k.KeyID)
		}
		return kids
	}
	kidOf := func(t *testing.T, token string) string {
		t.Helper()
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
		require.NoError(t, err)
		return parsed.Headers[0].KeyID
	}
	t.Run("the next key is published a day before it signs, and the last one until its tokens are over", func(t *testing.T) {
		c, keys := newClock(), &memory{}
		made := open(t, keys, c)
		first := kids(t, made)
		require.Len(t, first, 1)
		c.forward(29 * day)
		both := kids(t, made)
		require.Len(t, both, 2)
		old := sign(t, made)
		require.Equal(t, first[0], kidOf(t, old), "the next key does not sign yet")
		c.forward(day - time.Second)
		old = sign(t, made)
		require.Equal(t, first[0], kidOf(t, old))
		c.forward(2 * time.Second)
		young := sign(t, made)
		require.Equal(t, both[1], kidOf(t, young))
		_, _, err := made.Verify(t.Context(), old)
		require.NoError(t, err, "the old key's tokens are good until they expire")
		require.Equal(t, both, kids(t, made))
		c.forward(15 * time.Minute)
		require.Equal(t, both[1:], kids(t, made))
		c.forward(29 * day)
		require.Len(t, kids(t, made), 2)
		require.Len(t, keys.keys, 2, "the private half of the first key is gone")
	})
	t.Run("a replica that was idle for months publishes before it signs with a new key", func(t *testing.T) {
		c, keys := newClock(), &memory{}
		made := open(t, keys, c)
		first := kids(t, made)
		c.forward(200 * day)
		require.Equal(t, first[0], kidOf(t, sign(t, made)))
		c.forward(day)
		require.NotEqual(t, first[0], kidOf(t, sign(t, made)))
	})
	t.Run("a replica takes tokens of a key that another one made", func(t *testing.T) {
		c, keys := newClock(), &memory{}
		one, other := open(t, keys, c), open(t, keys, c)
		require.Len(t, keys.keys, 1)
		keys.keys = nil
		third := open(t, keys, c) // as if the key had been made anew
		c.forward(3 * time.Second)
		for _, replica := range []*tokens.Tokens{one, other} {
			_, _, err := replica.Verify(t.Context(), sign(t, third))
			require.NoError(t, err)
		}
	})
	t.Run("known keys serve on while the store does not answer", func(t *testing.T) {
		c, keys := newClock(), &memory{}
		made := open(t, keys, c)
		keys.err = errors.New("away")
		c.forward(time.Hour)
		_, _, err := made.Verify(t.Context(), sign(t, made))
		require.NoError(t, err)
	})
}

func TestSealing(t *testing.T) {
	c := newClock()
	with := func(t *testing.T, keys *memory, secret string) (*tokens.Tokens, error) {
		t.Helper()
		return tokens.New(t.Context(), tokens.Options{Keys: keys, Issuer: "us", Audience: "api", Secret: secret, Now: c.now})
	}
	t.Run("with a secret no private half is stored as it is, nor one that was stored before", func(t *testing.T) {
		keys := &memory{}
		plain, err := with(t, keys, "")
		require.NoError(t, err)
		token := sign(t, plain)
		seed := keys.keys[0].Private
		sealed, err := with(t, keys, "secret")
		require.NoError(t, err)
		require.True(t, keys.keys[0].Sealed)
		require.NotContains(t, string(keys.keys[0].Private), string(seed))
		_, _, err = sealed.Verify(t.Context(), token)
		require.NoError(t, err)
		again, err := with(t, keys, "secret")
		require.NoError(t, err)
		_, _, err = sealed.Verify(t.Context(), sign(t, again))
		require.NoError(t, err)
	})
	for name, secret := range map[string]string{"without the secret": "", "with another secret": "other"} {
		t.Run(name+" sealed keys do not sign, and the start says so", func(t *testing.T) {
			keys := &memory{}
			_, err := with(t, keys, "secret")
			require.NoError(t, err)
			_, err = with(t, keys, secret)
			require.Equal(t, fault.ReasonKeySecretWrong, fault.ReasonOf(err))
			require.Len(t, keys.keys, 1)
		})
	}
	t.Run("a sealed half moved to another key does not open", func(t *testing.T) {
		keys := &memory{}
		_, err := with(t, keys, "secret")
		require.NoError(t, err)
		keys.keys[0].ID = "another"
		_, err = with(t, keys, "secret")
		require.Equal(t, fault.ReasonKeySecretWrong, fault.ReasonOf(err))
	})
}

func TestHandler(t *testing.T) {
	c := newClock()
	made := open(t, &memory{}, c)
	ask := func(method string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		made.Handler().ServeHTTP(answer, httptest.NewRequest(method, tokens.Path, nil))
		return answer
	}
	t.Run("others can check our tokens with what is published", func(t *testing.T) {
		answer := ask(http.MethodGet)
		require.Equal(t, http.StatusOK, answer.Code)
		require.Equal(t, "application/jwk-set+json", answer.Header().Get("Content-Type"))
		require.NotContains(t, answer.Body.String(), `"d"`, "no private half")
		var set jose.JSONWebKeySet
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &set))
		parsed, err := jwt.ParseSigned(sign(t, made), []jose.SignatureAlgorithm{jose.EdDSA})
		require.NoError(t, err)
		var got jwt.Claims
		require.NoError(t, parsed.Claims(set.Key(parsed.Headers[0].KeyID)[0], &got))
		require.Equal(t, "usr_1", got.Subject)
	})
	t.Run("it only reads", func(t *testing.T) {
		require.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPost).Code)
	})
}
