package identity_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/password"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/identity"
)

func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.ada()
		t.Run("a user is a customer who sees their own orders", func(t *testing.T) {
			require.Equal(t, []auth.Role{auth.Customer}, u.Roles)
			require.Equal(t, u.ID.String(), u.CustomerID)
			stored, err := w.Store.User(t.Context(), u.ID)
			require.NoError(t, err)
			require.Equal(t, u, stored)
			require.NotContains(t, stored.PasswordHash, secret)
		})
		t.Run("the same request again gives the same user", func(t *testing.T) {
			require.Equal(t, u, w.ada())
		})
		for name, r := range map[string]identity.Registration{
			"another request":                        {Email: "ADA@example.com", Password: secret, RequestID: "r2"},
			"the same request with another password": {Email: email, Password: "something else!", RequestID: "r1"},
		} {
			t.Run(name+" finds the address taken", func(t *testing.T) {
				_, err := w.Register(t.Context(), r)
				requireReason(t, fault.ReasonEmailTaken, err)
			})
		}
		t.Run("only staff may say whose orders a user sees", func(t *testing.T) {
			r := identity.Registration{Email: "bob@example.com", Password: secret, CustomerID: "cus_1", RequestID: "r3"}
			_, err := w.Register(w.as("usr_1", auth.Customer), r)
			requireReason(t, fault.ReasonCustomerRefused, err)
			bob, err := w.Register(w.as("usr_2", auth.Staff), r)
			require.NoError(t, err)
			require.Equal(t, "cus_1", bob.CustomerID)
			require.Equal(t, []string{
				"usr_1|identity.RegisterUser||denied|chose a customer",
				"usr_2|identity.RegisterUser|" + bob.ID.String() + "|done|customer " + audit.Pseudonym("cus_1"),
			}, w.audited())
		})
	})
}

func TestLogin(t *testing.T) {
	t.Run("tokens stand for the user", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			u := w.ada()
			issued, who, err := w.Login(t.Context(), "Ada@Example.com", secret)
			require.NoError(t, err)
			require.Equal(t, u, who)
			caller, err := calls(t, w.authenticator(nil), issued.Access)
			require.NoError(t, err)
			require.Equal(t, auth.Caller{ID: u.ID.String(), CustomerID: u.ID.String(), Roles: []auth.Role{auth.Customer}}, caller)
		})
	})
	t.Run("an unknown address and a wrong password have one answer and one cost", func(t *testing.T) {
		w := lite(t)
		u := w.ada()
		var answers []string
		var costs []int64
		for _, who := range []string{email, "nobody@example.com"} {
			before := w.passwords.Computed()
			_, _, err := w.Login(t.Context(), who, "wrong")
			f := fault.From(err)
			require.NotNil(t, f, "%v", err)
			require.NoError(t, f.Unwrap())
			answers = append(answers, fmt.Sprint(f.Kind, f.Reason, f.Message, f.RetryAfter))
			costs = append(costs, w.passwords.Computed()-before)
		}
		require.Equal(t, answers[0], answers[1])
		require.Equal(t, []int64{1, 1}, costs)
		require.Equal(t, []string{
			"|identity.Login|" + u.ID.String() + "|denied|wrong address or password",
			"|identity.Login|unknown|denied|wrong address or password",
		}, w.audited())
	})
	t.Run("failures make an address wait, longer each time, whether it is known or not", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			w.ada()
			for _, who := range []string{email, "nobody@example.com"} {
				for range 5 {
					_, _, err := w.Login(t.Context(), who, "wrong")
					requireReason(t, fault.ReasonLoginFailed, err)
				}
				before := w.passwords.Computed()
				for pause := time.Second; pause <= 8*time.Second; pause *= 2 {
					_, _, err := w.Login(t.Context(), who, secret)
					requireReason(t, fault.ReasonLoginThrottled, err)
					require.Equal(t, pause, fault.From(err).RetryAfter)
					w.forward(pause)
					_, _, err = w.Login(t.Context(), who, "wrong")
					requireReason(t, fault.ReasonLoginFailed, err)
				}
				require.Equal(t, before+4, w.passwords.Computed(), "who has to wait costs nothing")
			}
			w.forward(16 * time.Second)
			w.login()
			for range 4 {
				_, _, err := w.Login(t.Context(), email, "wrong")
				requireReason(t, fault.ReasonLoginFailed, err)
			}
			w.login() // the success before forgave the failures
		})
	})
	t.Run("nobody waits longer than five minutes, and all is forgotten in time", func(t *testing.T) {
		w := lite(t)
		w.ada()
		var longest time.Duration
		for range 30 {
			_, _, err := w.Login(t.Context(), email, "wrong")
			if fault.ReasonOf(err) == fault.ReasonLoginThrottled {
				longest = max(longest, fault.From(err).RetryAfter)
				w.forward(fault.From(err).RetryAfter)
			}
		}
		require.Equal(t, 5*time.Minute, longest)
		w.forward(16 * time.Minute)
		for range 5 {
			_, _, err := w.Login(t.Context(), email, "wrong")
			requireReason(t, fault.ReasonLoginFailed, err)
		}
	})
	t.Run("guesses at the same time count as well", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			w.ada()
			before := w.passwords.Computed()
			var all sync.WaitGroup
			for range 30 {
				all.Go(func() { _, _, _ = w.Login(t.Context(), email, "wrong") })
			}
			all.Wait()
			require.LessOrEqual(t, w.passwords.Computed()-before, int64(5))
		})
	})
	t.Run("a hash of another cost is made anew by a login", func(t *testing.T) {
		w := lite(t)
		u := w.ada()
		w.Passwords = password.New(password.Cost{MemoryKiB: 128, Passes: 1, Lanes: 1}, 4)
		w.login()
		stored, err := w.Store.User(t.Context(), u.ID)
		require.NoError(t, err)
		require.Contains(t, stored.PasswordHash, "m=128")
		w.login()
	})
	t.Run("a user who is shut out is told so only with the password", func(t *testing.T) {
		w := lite(t)
		u := w.ada()
		issued := w.login()
		_, err := w.AssignRoles(w.operator(), u.ID, nil)
		require.NoError(t, err)
		_, _, err = w.Login(t.Context(), email, "wrong")
		requireReason(t, fault.ReasonLoginFailed, err)
		_, _, err = w.Login(t.Context(), email, secret)
		requireReason(t, fault.ReasonUserShutOut, err)
		_, err = w.Refresh(t.Context(), issued.Refresh)
		requireReason(t, fault.ReasonRefreshInvalid, err)
	})
}

func TestRefresh(t *testing.T) {
	t.Run("a refresh token gives the next tokens of the same login", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			w.ada()
			issued := w.login()
			ends := issued.RefreshExpires
			for range 3 {
				w.forward(9 * time.Minute)
				next, err := w.Refresh(t.Context(), issued.Refresh)
				require.NoError(t, err)
				require.NotEqual(t, issued.Refresh, next.Refresh)
				require.Equal(t, ends, next.RefreshExpires, "refreshing does not make a login last longer")
				issued = next
			}
			_, err := calls(t, w.authenticator(nil), issued.Access)
			require.NoError(t, err)
			w.at = ends
			_, err = w.Refresh(t.Context(), issued.Refresh)
			requireReason(t, fault.ReasonRefreshInvalid, err)
		})
	})
	t.Run("a refresh token that is used twice ends the login, for whoever has the next ones too", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			u := w.ada()
			stolen, other := w.login(), w.login()
			second, err := w.Refresh(t.Context(), stolen.Refresh)
			require.NoError(t, err)
			third, err := w.Refresh(t.Context(), second.Refresh)
			require.NoError(t, err)
			_, err = w.Refresh(t.Context(), stolen.Refresh)
			requireReason(t, fault.ReasonRefreshInvalid, err)
			_, err = w.Refresh(t.Context(), third.Refresh)
			requireReason(t, fault.ReasonRefreshInvalid, err)
			_, err = calls(t, w.authenticator(nil), third.Access)
			requireReason(t, fault.ReasonCredentialsInvalid, err)
			_, err = w.Refresh(t.Context(), other.Refresh)
			require.NoError(t, err, "other logins of the user stand")
			require.Equal(t, []string{"|identity.RefreshToken|" + u.ID.String() + "|denied|used twice"}, w.audited())
		})
	})
	t.Run("of twenty who use a token at the same time one gets the next tokens", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			w.ada()
			issued := w.login()
			var all sync.WaitGroup
			errs := make(chan error, 20)
			for range cap(errs) {
				all.Go(func() {
					_, err := w.Refresh(t.Context(), issued.Refresh)
					errs <- err
				})
			}
			all.Wait()
			won := 0
			for range cap(errs) {
				if err := <-errs; err == nil {
					won++
				} else {
					requireReason(t, fault.ReasonRefreshInvalid, err)
				}
			}
			require.Equal(t, 1, won)
		})
	})
	t.Run("what is no refresh token is refused", func(t *testing.T) {
		w := lite(t)
		w.ada()
		for _, token := range []string{"", "opr_x", w.login().Access} {
			_, err := w.Refresh(t.Context(), token)
			requireReason(t, fault.ReasonRefreshInvalid, err)
		}
	})
	t.Run("logins that are over are taken away by new ones", func(t *testing.T) {
		w := lite(t)
		w.ada()
		w.login()
		w.forward(31 * 24 * time.Hour)
		w.login()
		for _, table := range []string{"logins", "refresh_tokens"} {
			var n int
			require.NoError(t, w.database.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
			require.Equal(t, 1, n, table)
		}
	})
}

func TestLogout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.ada()
		issued, other := w.login(), w.login()
		for range 2 {
			require.NoError(t, w.Logout(t.Context(), issued.Refresh))
		}
		require.NoError(t, w.Logout(t.Context(), "opr_none"))
		_, err := w.Refresh(t.Context(), issued.Refresh)
		requireReason(t, fault.ReasonRefreshInvalid, err)
		a := w.authenticator(nil)
		_, err = calls(t, a, issued.Access)
		requireReason(t, fault.ReasonCredentialsInvalid, err)
		_, err = calls(t, a, other.Access)
		require.NoError(t, err)
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.ada()
		issued := w.login()
		ctx := w.as(u.ID.String(), auth.Customer)
		err := w.ChangePassword(ctx, "wrong", "a new long password")
		requireReason(t, fault.ReasonLoginFailed, err)
		require.NoError(t, w.ChangePassword(ctx, secret, "a new long password"))
		_, _, err = w.Login(t.Context(), email, secret)
		requireReason(t, fault.ReasonLoginFailed, err)
		_, _, err = w.Login(t.Context(), email, "a new long password")
		require.NoError(t, err)
		_, err = w.Refresh(t.Context(), issued.Refresh)
		requireReason(t, fault.ReasonRefreshInvalid, err)
		_, err = calls(t, w.authenticator(nil), issued.Access)
		requireReason(t, fault.ReasonCredentialsInvalid, err)

		requireReason(t, fault.ReasonNoUser, w.ChangePassword(w.operator(), secret, "a new long password"))
		requireReason(t, fault.ReasonCredentialsInvalid, w.ChangePassword(t.Context(), secret, "a new long password"))
	})
}

func TestAssignRoles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.ada()
		a := w.authenticator(nil)
		issued := w.login()
		for range 2 {
			after, err := w.AssignRoles(w.operator(), u.ID, []auth.Role{auth.Staff})
			require.NoError(t, err)
			require.Equal(t, []auth.Role{auth.Staff}, after.Roles)
		}
		caller, err := calls(t, a, issued.Access)
		require.NoError(t, err)
		require.Equal(t, auth.Caller{ID: u.ID.String(), Roles: []auth.Role{auth.Staff}}, caller, "no customer any more, so nobody's orders")
		require.Equal(t, "key_operator|identity.AssignRole|"+u.ID.String()+"|done|customer -> staff", w.audited()[0])
		other := u.ID
		other.UUID[15]++
		_, err = w.AssignRoles(w.operator(), other, nil)
		requireReason(t, fault.ReasonUserNotFound, err)
	})
}

func TestRecords(t *testing.T) {
	t.Run("a refusal is recorded though the caller has gone", func(t *testing.T) {
		w := lite(t)
		u := w.ada()
		ctx, leave := context.WithCancel(w.as(u.ID.String(), auth.Customer))
		leave()
		_, err := w.Register(ctx, identity.Registration{Email: "bob@example.com", Password: secret, CustomerID: "cus_1"})
		requireReason(t, fault.ReasonCustomerRefused, err)
		require.Len(t, w.audited(), 1)
	})
}
