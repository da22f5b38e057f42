%% Calls, casts and starts of gen_servers.
-module(messages).
-behaviour(gen_server). %% and its own supervisor
-export([main/1, init/1, start_child/0, handle_call/3, handle_cast/2]).

%% After how many casts a sender yields: the queue is not bounded.
-define(CASTS_A_TURN, 256).

main(["call", Calls]) ->
    N = list_to_integer(Calls),
    {ok, Counter} = gen_server:start(?MODULE, counter, []),
    Runner = self(),
    spawn(fun() -> Runner ! {durations, calls(Counter, N, [])} end),
    Durations = receive {durations, List} -> lists:sort(List) end,
    At = fun(Percent) -> lists:nth(min(N, N * Percent div 100 + 1), Durations) / 1000 end,
    print([{call_us, At(50)}, {call_p99_us, At(99)}]);
main(["tell", Senders, Messages]) ->
    S = list_to_integer(Senders),
    Each = list_to_integer(Messages) div S,
    {ok, Counter} = gen_server:start(?MODULE, counter, []),
    gen_server:cast(Counter, {tell, Each * S, self()}),
    Begun = erlang:monotonic_time(nanosecond),
    [spawn(fun() -> casts(Counter, Each) end) || _ <- lists:seq(1, S)],
    receive done -> ok end,
    Took = erlang:monotonic_time(nanosecond) - Begun,
    print([{million_per_s, Each * S * 1000 / Took}]);
main(["spawn", Children]) ->
    N = list_to_integer(Children),
    {ok, Root} = supervisor:start_link(?MODULE, root),
    Before = resident_bytes(),
    Begun = erlang:monotonic_time(nanosecond),
    Counters = starts(Root, N, []),
    Took = erlang:monotonic_time(nanosecond) - Begun,
    Bytes = (resident_bytes() - Before) / N,
    N = length(Counters),
    print([{spawn_us, Took / 1000 / N}, {bytes, Bytes}]).

calls(_, 0, Durations) -> Durations;
calls(Counter, N, Durations) ->
    Begun = erlang:monotonic_time(nanosecond),
    _ = gen_server:call(Counter, get),
    calls(Counter, N - 1, [erlang:monotonic_time(nanosecond) - Begun | Durations]).

casts(_, 0) -> ok;
casts(Counter, N) ->
    gen_server:cast(Counter, add),
    case N rem ?CASTS_A_TURN of
        0 -> erlang:yield();
        _ -> ok
    end,
    casts(Counter, N - 1).

starts(_, 0, Counters) -> Counters;
starts(Root, N, Counters) ->
    {ok, Counter} = supervisor:start_child(Root, []),
    starts(Root, N - 1, [Counter | Counters]).

start_child() -> gen_server:start_link(?MODULE, counter, []).

init(root) ->
    Counter = #{id => counter, start => {?MODULE, start_child, []}},
    {ok, {#{strategy => simple_one_for_one, intensity => 1, period => 5}, [Counter]}};
init(counter) -> {ok, {0, infinity, none}}.

handle_call(get, _, {Added, _, _} = State) -> {reply, Added, State}.

handle_cast(add, {Added, After, Runner}) ->
    case Added + 1 >= After of
        true -> Runner ! done;
        false -> ok
    end,
    {noreply, {Added + 1, After, Runner}};
handle_cast({tell, After, Runner}, {Added, _, _}) -> {noreply, {Added, After, Runner}}.

resident_bytes() ->
    {ok, Statm} = file:read_file("/proc/" ++ os:getpid() ++ "/statm"),
    [_, Pages | _] = string:split(binary_to_list(Statm), " ", all),
    list_to_integer(Pages) * 4096.

print(Figures) ->
    Fields = [io_lib:format("\"~s\":~.6f", [Name, float(Value)]) || {Name, Value} <- Figures],
    io:format(standard_error, "~n{~s}~n", [lists:join(",", Fields)]),
    halt(0).
