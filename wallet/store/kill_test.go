package store_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// killDir tells a child process of TestKill where to tap.
const killDir = "TAPSIM_STORE_TEST_DIR"

// killWallet tells a child process of TestKillWallet where its wallet is.
const killWallet = "TAPSIM_STORE_TEST_WALLET"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killWallet); dir != "" {
		useForever(dir)
	}
	if dir := os.Getenv(killDir); dir != "" {
		tapForever(dir)
	}
	os.Exit(m.Run())
}

// tapForever taps a plastic card, a phone and a purse in turn and prints counter
// and key index of each answer, or what is left in the purse, as soon as it is
// out, until it is killed.
func tapForever(dir string) {
	t := &testing.T{}
	s := open(t, dir)
	plastic, err := s.Card(load(t, "visa-plastic"))
	if err != nil {
		panic(err)
	}
	phone, err := s.Card(load(t, "visa-phone"))
	if err != nil {
		panic(err)
	}
	purse, err := s.Card(signing(t, "unionpay-plastic-ecash"))
	if err != nil {
		panic(err)
	}
	for {
		exchange(t, purse, selectDebit)
		paid := exchange(t, purse, strings.Replace(gpoCash, "000000001250", "000000000001", 1))
		exchange(t, purse, lastRecord)
		atc, _ := emv.Find(paid, emv.TagResponseFormat2, emv.TagATC)
		fmt.Printf("purse %d %x\n", int(atc[0])<<8|int(atc[1]), exchange(t, purse, "80CA9F7900")[5:])
		fmt.Println("plastic", atcOf(t, tap(t, plastic)), 0)
		reportTap(t, phone)
	}
}

// reportTap taps with a phone and prints its counter and which key it used.
func reportTap(t *testing.T, phone apdu.Responder) {
	r := tap(t, phone)
	iad, _ := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagIAD)
	index, err := cryptogram.KeyIndexOf(iad)
	if err != nil {
		panic(err)
	}
	fmt.Println("phone", atcOf(t, r), index.Counter)
}

// TestKill kills the program with signal 9 at random points of a tap, many
// times: a counter that was answered with never comes again, no key is used
// more often than it may be, and what the purse has paid stays paid.
func TestKill(t *testing.T) {
	const rounds, usesPerKey = 40, 10
	dir := t.TempDir()
	_, err := open(t, dir).Enrol(load(t, "visa-phone"), keySet(t, 1, 40, usesPerKey))
	require.NoError(t, err)
	random := rand.New(rand.NewSource(7))
	last, uses, left := map[string]int{}, map[int]int{}, 100_00
	for range rounds {
		for _, line := range killAfter(t, killDir, dir, random.Intn(20)) {
			f := strings.Fields(line)
			atc, err := strconv.Atoi(f[1])
			require.NoError(t, err)
			require.Greater(t, atc, last[f[0]], "%s answered with an old counter", f[0])
			last[f[0]] = atc
			if f[0] == "purse" {
				balance, err := strconv.Atoi(f[2])
				require.NoError(t, err)
				require.Less(t, balance, left)
				left = balance
			}
			if f[0] == "phone" {
				index, err := strconv.Atoi(f[2])
				require.NoError(t, err)
				uses[index]++
				require.LessOrEqual(t, uses[index], usesPerKey)
			}
		}
	}
	require.Greater(t, last["plastic"], rounds)
	require.Greater(t, last["phone"], rounds)
	require.GreaterOrEqual(t, 100_00-left, last["purse"]-rounds, "at most one payment of each round was not finished")
}

// killAfter starts a child, kills it when it has printed that many lines, and
// returns all whole lines that came out.
func killAfter(t *testing.T, role, dir string, lines int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var got []string
	r := bufio.NewReader(out)
	for {
		if len(got) == lines {
			require.NoError(t, cmd.Process.Kill())
		}
		line, err := r.ReadString('\n')
		if err != nil {
			break // what came without its end was cut by the kill
		}
		got = append(got, line)
	}
	require.Error(t, cmd.Wait(), "the child ends by the kill only")
	return got
}

// stockKey is the private half of a passcode's key pair.
var stockKey = bytes.Repeat([]byte{0x42}, 32)

// useForever counts requests in the wallet's state, and taps with the stock of
// keys open and closed in turn, until it is killed. It prints what others may
// have seen.
func useForever(dir string) {
	t := &testing.T{}
	s := open(t, dir)
	memory := s.Wallet()
	state, err := memory.LoadWallet()
	if err != nil {
		panic(err)
	}
	phone, err := s.Card(load(t, "visa-phone"))
	if err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		state.Number++
		if err := memory.SaveWallet(&state); err != nil {
			panic(err)
		}
		fmt.Println("number", state.Number, 0)
		key := stockKey
		if n%2 == 1 {
			key = nil
		}
		if err := phone.OpenStock(key); err != nil {
			panic(err)
		}
		reportTap(t, phone)
	}
}

// TestKillWallet kills the program with signal 9 at random points between the
// wallet's requests and its taps: no number and no counter comes twice, no key
// is used more often than it may be, and the stock under the passcode stays
// sealed.
func TestKillWallet(t *testing.T) {
	const rounds, usesPerKey, ready, sealedKeys = 40, 20, 20, 10
	dir := t.TempDir()
	s := open(t, dir)
	phone, err := s.Enrol(load(t, "visa-phone"), keySet(t, 1, ready+sealedKeys, usesPerKey))
	require.NoError(t, err)
	public, err := cryptogram.PublicOf(stockKey)
	require.NoError(t, err)
	sealed := byte(0)
	require.NoError(t, phone.Seal(ready, func(k *cryptogram.Key) (wrapped, agreement []byte, err error) {
		sealed++
		agreement, under, err := cryptogram.SealTo(public, [32]byte{sealed})
		require.NoError(t, err)
		wrapped, err = under.WrapKey(k)
		return wrapped, agreement, err
	}))
	require.Equal(t, ready*usesPerKey, phone.Stock().Ready)
	require.Equal(t, sealedKeys*usesPerKey, phone.Stock().Sealed)
	random := rand.New(rand.NewSource(9))
	last, uses := map[string]int{}, map[int]int{}
	for range rounds {
		for _, line := range killAfter(t, killWallet, dir, random.Intn(20)) {
			f := strings.Fields(line)
			n, err := strconv.Atoi(f[1])
			require.NoError(t, err)
			require.Greater(t, n, last[f[0]], "%s came before", f[0])
			last[f[0]] = n
			if f[0] == "phone" {
				index, err := strconv.Atoi(f[2])
				require.NoError(t, err)
				uses[index]++
				require.LessOrEqual(t, uses[index], usesPerKey)
			}
		}
		state, err := open(t, dir).Wallet().LoadWallet()
		require.NoError(t, err)
		require.GreaterOrEqual(t, int(state.Number), last["number"])
	}
	require.Greater(t, last["phone"], rounds)
	c, err := open(t, dir).Card(load(t, "visa-phone"))
	require.NoError(t, err)
	require.Equal(t, sealedKeys*usesPerKey, c.Stock().Sealed, "taps begin with the keys that are ready")
}
