%% Crashes under OTP's supervisor. The children drive themselves, as those of the other peers do (src/probe.rs).
-module(restart).
-behaviour(gen_server). %% and its own supervisor
-export([main/1, init/1, start_child/1, start_group/1, handle_call/3, handle_cast/2, handle_info/2]).

%% OTP 25 walks the list of all restarts in the period at each one: a fresh supervisor every so many crashes.
-define(CRASHES_A_SUPERVISOR, 48).

%% Places in the clock.
-define(CRASHED, 1).
-define(UP, 2).
-define(CRASHES, 3).
-define(READY, 4).
-define(SAMPLES, 5).

-record(plan, {strategy, nested, members, idle, quota, crashes, clock, init, first, runner}).

main([Strategy, Nested, Members, _How, Idle, OnePeriod, Crashes]) ->
    process_flag(trap_exit, true),
    N = list_to_integer(Crashes),
    Plan0 = #plan{strategy = list_to_atom(Strategy), nested = Nested =:= "nested",
        members = list_to_integer(Members), idle = list_to_integer(Idle), crashes = N,
        clock = atomics:new(5, []), init = atomics:new(N, []), first = atomics:new(N, []), runner = self()},
    Quota = case OnePeriod of
        "one_period" -> infinity;
        "fresh" -> ?CRASHES_A_SUPERVISOR
    end,
    Plan = Plan0#plan{quota = Quota},
    rounds(Plan),
    Per = case Plan#plan.members > 100 of true -> Plan#plan.members; false -> 1 end,
    Growth = case OnePeriod of
        "one_period" ->
            Tenth = N div 10,
            All = [atomics:get(Plan#plan.init, I) || I <- lists:seq(1, N)],
            [{growth, median(lists:nthtail(N - Tenth, All)) / median(lists:sublist(All, Tenth))}];
        _ -> []
    end,
    print(quantiles("init", Plan#plan.init, N, Per) ++ quantiles("first", Plan#plan.first, N, Per) ++ Growth),
    halt(0).

%% Fresh supervisors until there are samples enough.
rounds(Plan) ->
    Clock = Plan#plan.clock,
    atomics:put(Clock, ?UP, 0),
    atomics:put(Clock, ?CRASHES, 0),
    {ok, Root} = case Plan#plan.nested of
        true -> supervisor:start_link(?MODULE, {root, Plan});
        false -> start_group(Plan)
    end,
    receive
        Done when Done =:= quota; Done =:= enough -> ok
    end,
    unlink(Root),
    Monitor = monitor(process, Root),
    exit(Root, shutdown),
    receive {'DOWN', Monitor, process, Root, _} -> ok end,
    case Done of
        quota -> rounds(Plan);
        enough -> ok
    end.

start_group(Plan) -> supervisor:start_link(?MODULE, {group, Plan}).

start_child({1, Plan}) when Plan#plan.members > 1 -> gen_server:start_link({local, victim}, ?MODULE, {child, Plan}, []);
start_child({_, Plan}) -> gen_server:start_link(?MODULE, {child, Plan}, []).

init({root, Plan}) ->
    Group = #{id => group, start => {?MODULE, start_group, [Plan]}, type => supervisor},
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 3600}, [Group]}};
init({group, Plan}) ->
    {Intensity, Period} = case Plan#plan.nested of
        true -> {5, 10};
        false -> {1000000, 3600}
    end,
    Children = [#{id => I, start => {?MODULE, start_child, [{I, Plan}]}} || I <- lists:seq(1, Plan#plan.members)],
    {ok, {#{strategy => Plan#plan.strategy, intensity => Intensity, period => Period}, Children}};
init({child, Plan}) ->
    Now = erlang:monotonic_time(nanosecond),
    Clock = Plan#plan.clock,
    case atomics:add_get(Clock, ?UP, 1) >= Plan#plan.members of
        true ->
            atomics:put(Clock, ?UP, 0),
            atomics:put(Clock, ?READY, Now),
            self() ! go;
        false -> ok
    end,
    {ok, Plan}.

handle_call(_, _, Plan) -> {reply, ok, Plan}.

handle_cast(_, Plan) -> {noreply, Plan}.

handle_info(go, Plan) ->
    Now = erlang:monotonic_time(nanosecond),
    Clock = Plan#plan.clock,
    Crashes = atomics:get(Clock, ?CRASHES),
    %% With escalation only the crash that is one too many counts; the first ones of a supervisor warm up.
    Counts = Crashes > 0 andalso (not Plan#plan.nested orelse Crashes rem 6 =:= 0),
    case Counts of
        true ->
            I = atomics:add_get(Clock, ?SAMPLES, 1),
            Crashed = atomics:get(Clock, ?CRASHED),
            atomics:put(Plan#plan.init, I, atomics:get(Clock, ?READY) - Crashed),
            atomics:put(Plan#plan.first, I, Now - Crashed);
        false -> ok
    end,
    case atomics:get(Clock, ?SAMPLES) >= Plan#plan.crashes of
        true ->
            Plan#plan.runner ! enough,
            {noreply, Plan};
        false when Crashes >= Plan#plan.quota ->
            Plan#plan.runner ! quota,
            {noreply, Plan};
        false when Plan#plan.members > 1 ->
            victim ! crash,
            {noreply, Plan};
        false -> crash(Plan)
    end;
handle_info(crash, Plan) -> crash(Plan).

crash(Plan) ->
    case Plan#plan.idle of
        0 -> ok;
        Idle -> timer:sleep(Idle)
    end,
    atomics:add(Plan#plan.clock, ?CRASHES, 1),
    atomics:put(Plan#plan.clock, ?CRASHED, erlang:monotonic_time(nanosecond)),
    error(boom).

median(List) -> lists:nth(length(List) div 2 + 1, lists:sort(List)).

quantiles(Name, Samples, N, Per) ->
    Sorted = lists:sort([atomics:get(Samples, I) || I <- lists:seq(1, N)]),
    At = fun(Percent) -> lists:nth(min(N, N * Percent div 100 + 1), Sorted) / 1000 / Per end,
    [{Name ++ "_us", At(50)}, {Name ++ "_p99_us", At(99)}].

print(Figures) ->
    Fields = [io_lib:format("\"~s\":~.6f", [to_list(Name), float(Value)]) || {Name, Value} <- Figures],
    io:format(standard_error, "~n{~s}~n", [lists:join(",", Fields)]).

to_list(Name) when is_atom(Name) -> atom_to_list(Name);
to_list(Name) -> Name.
