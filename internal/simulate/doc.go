// Package simulate places meetings on a simulated fleet of servers in virtual
// time, and measures how evenly the load is spread.
//
// What places them is the real group, through its public API: it has a clock that
// the simulation moves ([bbb.WithClock]) and a transport that answers from the
// state of the fleet ([bbb.WithTransport]), so hours pass in a moment and nothing
// of the group is modelled. For comparison there are policies that the simulation
// carries out itself, among them one that knows what nobody can know: how many
// people will come.
//
// A seed fixes the workload: who meets when, for how long and with whom is the
// same whatever the policy. The draws of the group itself, such as that between
// equal servers, are not part of it.
package simulate
