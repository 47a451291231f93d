package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/auth"
)

var updatePermissions = flag.Bool("update", false, "write docs/permissions.md anew")

const permissionsFile = "../docs/permissions.md"

const permissionsHead = `# Permissions

Who may call what, as a test finds it by calling every method of a running server as every kind of caller. It is
generated: ` + "`go test ./server -run TestPermissions -update`" + `. Who may call stands in the contract, as the option
` + "`policy.v1.method`" + ` of each method; [ADR 22](adr/0022-the-contract-says-who-may.md) says how it is enforced.

| cell | the call |
|---|---|
| yes | is let through |
| not found | is answered as if there were no such object: it is another customer's |
| not theirs | is refused: it names another customer (` + "`CUSTOMER_NOT_YOURS`" + `) |
| no | is refused: none of the caller's roles may (` + "`ROLE_MISSING`" + `) |
| no scope | is refused: the API key is for something else (` + "`SCOPE_MISSING`" + `) |
| no user | is refused: only a user has a password (` + "`CALLER_IS_NO_USER`" + `) |
| who? | is refused: it needs credentials (` + "`CREDENTIALS_MISSING`" + `) |

Where an object has an owner, *owner* is that customer, and *stranger* another one. The keys have the roles of staff;
the first has the service as its scope, the second another service; where anyone may call it counts as nobody. Not in the tables: gRPC health is open to anyone,
gRPC reflection to staff and operators (to anyone with ` + "`server.open_reflection`" + `), and a webhook of a payment gateway
to whoever signs it.
`

// kind is a kind of caller.
type kind struct {
	name   string
	caller func(service string) auth.Caller
}

// kinds lists them. The people among them are users of the server.
func kinds(e *examples) []kind {
	e.t.Helper()
	person := func(c auth.Caller) func(string) auth.Caller {
		c.ID = e.user().GetId()
		return func(string) auth.Caller { return c }
	}
	always := func(c auth.Caller) func(string) auth.Caller { return func(string) auth.Caller { return c } }
	key := func(scope func(string) string) func(string) auth.Caller {
		return func(service string) auth.Caller {
			return auth.Caller{ID: "key_1", Roles: []auth.Role{auth.Staff}, Scopes: []string{scope(service)}}
		}
	}
	return []kind{
		{"nobody", always(auth.Caller{})},
		{"owner", person(owner)},
		{"stranger", person(stranger)},
		{"staff", person(auth.Caller{Roles: []auth.Role{auth.Staff}})},
		{"operator", person(auth.Caller{Roles: []auth.Role{auth.Operator}})},
		{"service", always(auth.Caller{ID: "spiffe://shop.test/orders", Roles: []auth.Role{auth.Service}})},
		{"key in scope", key(func(service string) string { return service })},
		{"key out of scope", key(func(service string) string { return service + "Else" })},
	}
}

var (
	owner    = auth.Caller{ID: "usr_owner", CustomerID: "cus_owner", Roles: []auth.Role{auth.Customer}}
	stranger = auth.Caller{ID: "usr_stranger", CustomerID: "cus_stranger", Roles: []auth.Role{auth.Customer}}
)

func TestPermissions(t *testing.T) {
	e := newExamples(t)
	s := e.s
	callers := kinds(e)
	var table strings.Builder
	table.WriteString(permissionsHead)
	for _, service := range servicesOfContract() {
		fmt.Fprintf(&table, "\n## %s\n\n| method |", service.FullName())
		for _, k := range callers {
			fmt.Fprintf(&table, " %s |", k.name)
		}
		table.WriteString("\n|---|" + strings.Repeat("---|", len(callers)) + "\n")
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			example, ok := e.all[method.FullName()]
			if !ok {
				t.Errorf("%s has no example: add one to permissions_examples_test.go", method.FullName())
				continue
			}
			fmt.Fprintf(&table, "| %s |", method.Name())
			for _, k := range callers {
				clients := s.As(k.caller(string(service.FullName())))
				a := callMethod(t, clients.HTTP, s.URL, method, example())
				fmt.Fprintf(&table, " %s |", a.cell(t, method, k))
			}
			table.WriteString("\n")
		}
	}
	if *updatePermissions {
		require.NoError(t, os.WriteFile(permissionsFile, []byte(table.String()), 0o644))
	}
	published, err := os.ReadFile(permissionsFile)
	require.NoError(t, err)
	require.Equal(t, string(published), table.String(), "who may do what has changed; if that is meant: go test ./server -run TestPermissions -update")
}

// servicesOfContract lists every service with a policy.
func servicesOfContract() (services []protoreflect.ServiceDescriptor) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			procedure := fmt.Sprintf("/%s/%s", service.FullName(), service.Methods().Get(0).Name())
			if _, ours := interceptors.PolicyOf(procedure); ours {
				services = append(services, service)
			}
		}
		return true
	})
	slices.SortFunc(services, func(a, b protoreflect.ServiceDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return services
}

// given is what a call was answered.
type given struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Debug struct {
			Reason string `json:"reason"`
		} `json:"debug"`
	} `json:"details"`

	text string // the refusal as it came; empty for an answer
}

func (a given) reason() string {
	for _, detail := range a.Details {
		if detail.Debug.Reason != "" {
			return detail.Debug.Reason
		}
	}
	return ""
}

func (a given) cell(t *testing.T, method protoreflect.MethodDescriptor, k kind) string {
	t.Helper()
	switch reason := a.reason(); {
	case a.Code == "":
		return "yes"
	case a.Code == connect.CodeNotFound.String():
		return "not found"
	case reason == "CUSTOMER_NOT_YOURS":
		return "not theirs"
	case reason == "ROLE_MISSING":
		return "no"
	case reason == "SCOPE_MISSING":
		return "no scope"
	case reason == "CALLER_IS_NO_USER":
		return "no user"
	case reason == "CREDENTIALS_MISSING":
		return "who?"
	}
	t.Errorf("%s as %s: %+v", method.FullName(), k.name, a)
	return "?"
}

// callMethod calls a method with one message, by Connect's JSON.
func callMethod(t *testing.T, client *http.Client, url string, method protoreflect.MethodDescriptor, message proto.Message) (a given) {
	t.Helper()
	body, err := protojson.Marshal(message)
	require.NoError(t, err)
	streams := method.IsStreamingClient() || method.IsStreamingServer()
	contentType := "application/json"
	if streams {
		contentType = "application/connect+json"
		body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		fmt.Sprintf("%s/%s/%s", url, method.Parent().FullName(), method.Name()), bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	if !streams {
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		if response.StatusCode != http.StatusOK {
			require.NoError(t, json.Unmarshal(answer, &a), "%s", answer)
			a.text = string(answer)
		}
		return a
	}
	return readStream(t, response.Body, method)
}

// readStream reads the answers of a stream up to its end, or the first of one that never ends.
func readStream(t *testing.T, body io.Reader, method protoreflect.MethodDescriptor) given {
	t.Helper()
	for {
		var head [5]byte
		_, err := io.ReadFull(body, head[:])
		require.NoError(t, err, method.FullName())
		message := make([]byte, binary.BigEndian.Uint32(head[1:]))
		_, err = io.ReadFull(body, message)
		require.NoError(t, err)
		var end struct{ Error given }
		if head[0]&2 != 0 {
			require.NoError(t, json.Unmarshal(message, &end), "%s", message)
			if end.Error.Code != "" {
				end.Error.text = string(message)
			}
			return end.Error
		}
		if strings.HasPrefix(string(method.Name()), "Watch") {
			return given{}
		}
	}
}
