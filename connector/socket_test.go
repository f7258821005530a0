package connector

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pipec/compiler/plan"
	"pipec/connector/redial"
	"pipec/vm/clock"
)

// exchange is a Dialer whose peers a test plays: each connection is answered by whoever calls accept.
type exchange struct {
	calls chan *phone
	mu    sync.Mutex
	fail  error // of the next calls
	tries int
}

func newExchange() *exchange { return &exchange{calls: make(chan *phone)} }

// phone is a connection; the peer sends text, or the error with which it ends.
type phone struct {
	net.Conn // of the caller; only Read and Close are used
	sent     chan any
	hung     chan struct{}
	once     sync.Once
	rest     []byte
}

func (x *exchange) Dial(ctx context.Context, _ string) (net.Conn, error) {
	x.mu.Lock()
	x.tries++
	err := x.fail
	x.mu.Unlock()
	if err != nil {
		return nil, err
	}
	p := &phone{sent: make(chan any), hung: make(chan struct{})}
	select {
	case x.calls <- p:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (x *exchange) failing(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fail = err
}

func (x *exchange) tried() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tries
}

func (p *phone) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		select {
		case s := <-p.sent:
			if err, ok := s.(error); ok {
				return 0, err
			}
			p.rest = []byte(s.(string))
		case <-p.hung:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *phone) Close() error {
	p.once.Do(func() { close(p.hung) })
	return nil
}

// say sends text, or ends the connection with an error, in order.
func (p *phone) say(all ...any) {
	for _, s := range all {
		select {
		case p.sent <- s:
		case <-p.hung:
			return
		}
	}
}

func socketConfig(reconnect bool, more ...any) plan.SourceConfig {
	c := plan.SourceConfig{Schema: lineSchema, Settings: settings(append([]any{"address", "peer:9999", "reconnect", reconnect}, more...)...)}
	if len(more) > 0 {
		c.Schema = pairSchema
	}
	return c
}

// dialing opens a source while the test answers its first call.
func dialing(t *testing.T, d redial.Dialer, x *exchange, config plan.SourceConfig) (Source, []Split, *phone, *notes) {
	t.Helper()
	env, n := newEnv(), &notes{}
	env.Dialer, env.Note = d, n.add
	src := openSource(t, "socket", config, env)
	peer := make(chan *phone, 1)
	go func() { peer <- <-x.calls }()
	splits := splitsOf(t, src, 1, nil)
	return src, splits, <-peer, n
}

func TestLinesOfASocketAppearAtOnce(t *testing.T) {
	x := newExchange()
	src, splits, peer, _ := dialing(t, x, x, socketConfig(false))
	s := read(t, src, splits)
	if status, err := s.r.Next(&s.read, 10); status != Wait || err != nil || !slices.Equal(s.read.Ready, []bool{true}) {
		t.Fatalf("%v %v %v", status, err, s.read.Ready)
	}
	go peer.say("one\ntwo\r\nthr")
	if rows := until(t, s, nil, 2); !slices.Equal(rows, []string{"one", "two"}) {
		t.Fatal(rows)
	}
	go peer.say("ee\nlast", io.EOF)
	batches := s.all(1, nil)
	if rows := rowsOf(batches); !slices.Equal(rows, []string{"three", "last"}) {
		t.Fatal(rows)
	}
	if !batches[len(batches)-1].after.Ended {
		t.Error("the peer has closed it, and nobody reconnects")
	}
	must(t, src.Close())
}

func TestASocketConnectsAgain(t *testing.T) {
	x := newExchange()
	src, splits, peer, notes := dialing(t, x, x, socketConfig(true, "format", csvWithHeader))
	timers := src.(*socketSource).o.Env.Clock.(*clock.Fake)
	s := read(t, src, splits)
	go peer.say("n,name\n1,a\n2,half", io.EOF) // closed: that is a line
	rows := until(t, s, nil, 2)
	peer = <-x.calls                                        // at once
	go peer.say("name,n\nb,3\nhalf of", syscall.ECONNRESET) // broken: that is none
	rows = until(t, s, rows, 3)
	x.failing(syscall.ECONNREFUSED)
	var waited []time.Duration
	for range 20 {
		timers.BlockUntil(1)
		next, _ := timers.Next()
		waited = append(waited, next.Sub(timers.Now()))
		timers.Advance(next.Sub(timers.Now()))
	}
	if waited[0] > time.Second || waited[19] < 5*time.Second || waited[19] > 23*time.Second {
		t.Errorf("pauses %v", waited)
	}
	timers.BlockUntil(1)
	x.failing(nil)
	timers.Advance(30 * time.Second)
	peer = <-x.calls
	go peer.say("n,name\n4,c\n")
	rows = until(t, s, rows, 4)
	if !slices.Equal(rows, []string{"1|a", "2|half", "3|b", "4|c"}) {
		t.Error(rows)
	}
	must(t, s.r.Close())
	must(t, src.Close())
	<-peer.hung
	for _, want := range []string{"the peer closed the connection; connecting again", "the connection broke: connection reset by peer; connecting again", "connected again"} {
		if !strings.Contains(notes.all(), "peer:9999: "+want) {
			t.Errorf("no note %q in %q", want, notes.all())
		}
	}
}

// A peer that hangs up at once is not called in a loop.
func TestAPeerThatAlwaysHangsUp(t *testing.T) {
	x := newExchange()
	src, splits, peer, _ := dialing(t, x, x, socketConfig(true))
	timers := src.(*socketSource).o.Env.Clock.(*clock.Fake)
	s := read(t, src, splits)
	for range 8 {
		peer.say(io.EOF)
		_, _, err := s.next(1)
		must(t, err)
		if x.tried() > 2 {
			timers.BlockUntil(1)
		}
		timers.Advance(time.Minute)
		peer = <-x.calls
	}
	peer.say(io.EOF)
	timers.BlockUntil(1)
	if next, _ := timers.Next(); next.Sub(timers.Now()) < 500*time.Millisecond {
		t.Errorf("after nine calls it waits %v", next.Sub(timers.Now()))
	}
	must(t, s.r.Close())
	must(t, src.Close())
}

func TestAPeerThatIsNotThere(t *testing.T) {
	x := newExchange()
	x.failing(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	env := newEnv()
	env.Dialer = x
	src := openSource(t, "socket", socketConfig(true), env)
	if _, err := src.Splits(context.Background(), 1, nil); !errors.Is(err, ErrOpen) || !Permanent(err) || err.Error() != "cannot open peer:9999: connection refused" {
		t.Error(err)
	}
	must(t, src.Close())
	for address, want := range map[string]bool{"localhost:9999": true, ":9999": true, "[::1]:80": true, "localhost": false, "": false, "localhost:": false, "::1:80": false} {
		if ok := checkAddress(address) == ""; ok != want {
			t.Errorf("%q: %v", address, ok)
		}
	}
}

// A restart inside the process goes on over the same connection, with what was read of it and not taken.
func TestAConnectionOutlivesTheAttempt(t *testing.T) {
	x := newExchange()
	kept := redial.Keep(x)
	src, splits, peer, _ := dialing(t, kept, x, socketConfig(true, "format", csvWithHeader))
	go peer.say("n,name\n1,a\n2,b\n3,c")
	s := read(t, src, splits)
	got, _, err := s.next(1)
	must(t, err)
	must(t, s.r.Close())
	must(t, src.Close())
	go peer.say("c\n4,d\n5,", io.EOF)
	env := newEnv()
	env.Dialer = kept
	src = openSource(t, "socket", socketConfig(true, "format", csvWithHeader), env)
	s = read(t, src, splitsOf(t, src, 1, splits))
	rows := until(t, s, got.rows, 3)
	must(t, s.r.Close())
	s = read(t, src, splits)
	rows = until(t, s, rows, 5)
	if !slices.Equal(rows, []string{"1|a", "2|b", "3|cc", "4|d", "5|"}) {
		t.Error(rows)
	}
	peer = <-x.calls
	must(t, s.r.Close())
	must(t, src.Close())
	if x.tried() != 2 {
		t.Errorf("%d calls", x.tried())
	}
	must(t, kept.Close())
	<-peer.hung
}

// Without reconnecting a broken connection fails the attempt; the next one may try again, and a peer that is away then is no mistake of the program.
func TestABrokenConnectionIsTransient(t *testing.T) {
	x := newExchange()
	kept := redial.Keep(x)
	defer kept.Close()
	src, splits, peer, _ := dialing(t, kept, x, socketConfig(false))
	s := read(t, src, splits)
	go peer.say("a\nb", syscall.ETIMEDOUT)
	rows := until(t, s, nil, 1)
	if _, _, err := s.next(1); !errors.Is(err, syscall.ETIMEDOUT) || Permanent(err) {
		t.Fatal(err)
	}
	must(t, s.r.Close())
	must(t, src.Close())
	env := newEnv()
	env.Dialer = kept
	x.failing(syscall.ECONNREFUSED)
	src = openSource(t, "socket", socketConfig(false), env)
	if _, err := src.Splits(context.Background(), 1, splits); err == nil || Permanent(err) {
		t.Fatalf("%v", err)
	}
	must(t, src.Close())
	x.failing(nil)
	src, splits, peer, _ = dialing(t, kept, x, socketConfig(false))
	go peer.say("c\n", io.EOF)
	if rows = append(rows, rowsOf(read(t, src, splits).all(10, nil))...); !slices.Equal(rows, []string{"a", "c"}) {
		t.Error(rows)
	}
	must(t, src.Close())
}

func TestASocketOfTheNetwork(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	env, _ := diskEnv(nil)
	env.Dialer = redial.Net()
	config := socketConfig(true)
	config.Settings = settings("address", server.Addr().String(), "reconnect", true)
	src := openSource(t, "socket", config, env)
	s := read(t, src, splitsOf(t, src, 1, nil))
	peer, err := server.Accept()
	must(t, err)
	io.WriteString(peer, "one\ntwo")
	rows := until(t, s, nil, 1)
	must(t, peer.(*net.TCPConn).SetLinger(0)) // the end is a reset
	must(t, peer.Close())
	peer, err = server.Accept()
	must(t, err)
	io.WriteString(peer, "three\nfour")
	must(t, peer.Close())
	if rows = until(t, s, rows, 3); !slices.Equal(rows, []string{"one", "three", "four"}) {
		t.Error(rows)
	}
	must(t, s.r.Close())
	must(t, src.Close())
}
