package interceptors

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
)

// CheckPolicies lists every method whose contract does not say who may call it, whose object it is
// and what it costs, names owners where they cannot be compared with the caller, or has recorded what no
// request has. A server does not start with such a method.
func CheckPolicies(services ...protoreflect.ServiceDescriptor) error {
	var missing []error
	for _, service := range services {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			policy := policyOf(method)
			err := checkPolicy(policy)
			if err == nil && policy.GetOwnership() == policyv1.Ownership_OWNERSHIP_CUSTOMER {
				err = checkOwned(method.Input(), false, map[protoreflect.FullName][]bool{})
			}
			if err == nil {
				err = checkAudit(method, policy.GetAudit())
			}
			if err != nil {
				missing = append(missing, fmt.Errorf("%s: %w", method.FullName(), err))
			}
		}
	}
	return errors.Join(missing...)
}

// PolicyOf gives the policy of a procedure such as /orders.v1.OrderService/GetOrder, and whether
// there is one that is complete. The message is shared: do not change it.
func PolicyOf(procedure string) (*policyv1.MethodPolicy, bool) {
	name := strings.Replace(strings.TrimPrefix(procedure, "/"), "/", ".", 1)
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, false
	}
	method, ok := descriptor.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, false
	}
	policy := policyOf(method)
	return policy, checkPolicy(policy) == nil
}

func policyOf(method protoreflect.MethodDescriptor) *policyv1.MethodPolicy {
	policy, _ := proto.GetExtension(method.Options(), policyv1.E_Method).(*policyv1.MethodPolicy)
	return policy
}

func checkPolicy(policy *policyv1.MethodPolicy) error {
	switch {
	case policy == nil:
		return errors.New("has no policy")
	case len(policy.GetRoles()) == 0:
		return errors.New("policy names no role")
	case policy.GetOwnership() == policyv1.Ownership_OWNERSHIP_UNSPECIFIED:
		return errors.New("policy does not tell the ownership")
	case policy.GetRateClass() == policyv1.RateClass_RATE_CLASS_UNSPECIFIED:
		return errors.New("policy names no rate class")
	case policy.GetCost() < 0:
		return errors.New("policy has a negative cost")
	}
	for _, role := range policy.GetRoles() {
		if role == policyv1.Role_ROLE_UNSPECIFIED {
			return errors.New("policy names an unspecified role")
		}
	}
	return nil
}
