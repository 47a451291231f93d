package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// ownRecords are the methods that record what their calls do themselves: they know more of it than their
// requests.
var ownRecords = map[protoreflect.FullName]bool{
	"identity.v1.IdentityService.AssignRole": true, "identity.v1.IdentityService.CreateApiKey": true,
	"identity.v1.IdentityService.RotateApiKey": true, "identity.v1.IdentityService.RevokeApiKey": true,
}

// TestAudit_Acts calls every method whose calls are recorded, as an operator, as a service, and in vain.
func TestAudit_Acts(t *testing.T) {
	e := newExamples(t)
	walked := 0
	for _, service := range servicesOfContract() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			procedure := string(service.FullName()) + "/" + string(method.Name())
			policy, _ := interceptors.PolicyOf("/" + procedure)
			if policy.GetAudit() == nil && !ownRecords[method.FullName()] {
				continue
			}
			walked++
			t.Run(procedure, func(t *testing.T) {
				actor := e.user().GetId()
				clients := e.s.As(auth.Caller{ID: actor, Roles: []auth.Role{auth.Operator}})
				request := e.all[method.FullName()]()
				require.Empty(t, callMethod(t, clients.HTTP, e.s.URL, method, request).text)
				records := recordsOf(t, e.s, actor)
				require.Len(t, records, 1)
				require.Equal(t, audit.Done, records[0].Outcome)
				require.NotEmpty(t, records[0].Object)
				if policy.GetAudit() == nil {
					return
				}
				require.Equal(t, procedure, records[0].Action)
				require.Equal(t, len(policy.GetAudit().GetDetails()), strings.Count(records[0].Detail, "="))

				vain := inVain(request)
				require.NotEmpty(t, callMethod(t, clients.HTTP, e.s.URL, method, vain).text)
				require.Len(t, recordsOf(t, e.s, actor), 1, "what failed was not done")
			})
		}
	}
	require.GreaterOrEqual(t, walked, 13)
	t.Run("services act for orders, whose events tell", func(t *testing.T) {
		clients := e.s.As(auth.Caller{ID: "spiffe://shop.test/acts", Roles: []auth.Role{auth.Service}})
		method := servicesOfContract()[len(servicesOfContract())-1].Methods().ByName("AuthorizePayment")
		require.Empty(t, callMethod(t, clients.HTTP, e.s.URL, method, e.authorize()).text)
		require.Empty(t, recordsOf(t, e.s, "spiffe://shop.test/acts"))
	})
}

// inVain makes a request fail, in its handler: it has an etag that is out of date, names a saga that there is
// not, repeats the request id with another amount, or names a flag that there is not.
func inVain(request proto.Message) proto.Message {
	m := proto.Clone(request).ProtoReflect()
	change := func(m protoreflect.Message, name protoreflect.Name, value any) bool {
		field := m.Descriptor().Fields().ByName(name)
		if field != nil {
			m.Set(field, protoreflect.ValueOf(value))
		}
		return field != nil
	}
	switch {
	case m.Descriptor().Name() == "SetFlagRequest": // what is set already is no failure, whatever the etag
		change(m, "key", "no-such-flag")
	case change(m, "etag", "999999"):
		change(m, "request_id", "in-vain")
	case change(m, "saga", "no_such"), change(m, "delta", int64(77)), change(m, "amount_minor", int64(77)),
		change(m, "customer_id", owner.CustomerID):
	default:
		change(m.Mutable(m.Descriptor().Fields().ByName("product")).Message(), "etag", "999999")
	}
	return m.Interface()
}

// recordsOf lists what somebody did or was denied.
func recordsOf(t *testing.T, s *servertest.Server, actor string) (records []audit.Record) {
	t.Helper()
	home, err := server.OpenHome(t.Context(), s.Config)
	require.NoError(t, err)
	defer home.Close()
	log := audit.New(home, time.Now)
	defer log.Close(t.Context())
	all, err := log.List(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, r := range all {
		if r.Actor == actor {
			records = append(records, r)
		}
	}
	return records
}
