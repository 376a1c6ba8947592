package store_test

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// killDir tells a child process of TestKill where to tap.
const killDir = "TAPSIM_STORE_TEST_DIR"

func TestMain(m *testing.M) {
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
		r := tap(t, phone)
		iad, _ := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagIAD)
		index, err := cryptogram.KeyIndexOf(iad)
		if err != nil {
			panic(err)
		}
		fmt.Println("phone", atcOf(t, r), index.Counter)
	}
}

// TestKill kills the program with signal 9 at random points of a tap, many
// times: a counter that was answered with never comes again, no key is used
// more often than it may be, and what the purse has paid stays paid.
func TestKill(t *testing.T) {
	const rounds, usesPerKey = 40, 10
	dir := t.TempDir()
	_, err := open(t, dir).Enrol(load(t, "visa-phone"), keySet(t, 1, 99, usesPerKey))
	require.NoError(t, err)
	random := rand.New(rand.NewSource(7))
	last, uses, left := map[string]int{}, map[int]int{}, 100_00
	for range rounds {
		for _, line := range killAfter(t, dir, random.Intn(20)) {
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
func killAfter(t *testing.T, dir string, lines int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
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
