%% Runs scenarios on OTP's own supervisor and writes down what the children saw.
%%
%% A scenario comes as a term on standard input ({packet, 4}); its trace goes out as text the same way. Each
%% scenario has a driver, which acts and asks, and a collector, which the children report to. Nothing here waits
%% by sleeping, except where a scenario says so: the driver calls the supervisors until two rounds agree.
%%
%% It relies on one scheduler (+S 1:1): a dying process tells its supervisor and the collector in one go, so the
%% collector's order is the order in which things happened.
-module(tembusu_diff).
-behaviour(supervisor).
-export([main/0, init/1, start_sup/2, start_worker/2, worker/3]).

-define(PROMPT_MS, 60000).
-define(DEAF_MS, 10).
-define(SLOW_MS, 3).

main() ->
    logger:set_primary_config(level, none),
    Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),
    Release = erlang:system_info(otp_release),
    Stdlib = case application:load(stdlib) of
        _ -> {ok, Version} = application:get_key(stdlib, vsn), Version
    end,
    port_command(Port, [Release, " (stdlib-", Stdlib, ")"]),
    serve(Port).

serve(Port) ->
    receive
        {Port, {data, Binary}} ->
            Main = self(),
            spawn(fun() -> Main ! {done, run(binary_to_term(Binary))} end),
            serve(Port);
        {done, Text} ->
            port_command(Port, Text),
            serve(Port);
        {Port, eof} ->
            halt(0)
    end.

%% === the driver ===

run({Id, Sup, Steps}) ->
    process_flag(trap_exit, true),
    Driver = self(),
    C = spawn_link(fun() -> collector(Driver, #{}, #{}, []) end),
    Lines = case start_sup(C, Sup) of
        {ok, Root} ->
            settle(Root, none),
            [line(C, "ok") | steps(Steps, C, Root)];
        {error, _} ->
            [line(C, "failed")]
    end,
    C ! stop,
    [integer_to_binary(Id), "\n" | lists:join(";", Lines)].

line(C, Result) ->
    [ask(C, take), ">", Result].

steps([], C, Root) ->
    exit(Root, shutdown),
    gone(Root),
    [line(C, "")];
steps([Step | Rest], C, Root) ->
    Result = step(Step, C),
    settle(Root, none),
    Line = line(C, Result),
    case is_process_alive(Root) of
        true -> [Line | steps(Rest, C, Root)];
        false -> [Line]
    end.

step({crash, Sup, Name, How}, C) ->
    case {ask(C, {sup, Sup}), ask(C, {worker, Name})} of
        {SupPid, Pid} when is_pid(SupPid), is_pid(Pid) ->
            hit(Pid, How),
            gone(Pid),
            unlisted(SupPid, Pid),
            "";
        _ -> "absent"
    end;
step({burst, Sup, Hits}, C) ->
    case ask(C, {sup, Sup}) of
        undefined -> "down";
        SupPid ->
            sys:suspend(SupPid),
            Pids = lists:filtermap(
                fun({Name, How}) ->
                    case ask(C, {worker, Name}) of
                        undefined -> false;
                        Pid ->
                            {message_queue_len, Before} = process_info(SupPid, message_queue_len),
                            hit(Pid, How),
                            gone(Pid),
                            queued(SupPid, Before + 1),
                            {true, Pid}
                    end
                end, Hits),
            sys:resume(SupPid),
            [unlisted(SupPid, Pid) || Pid <- Pids],
            integer_to_binary(length(Pids))
    end;
step({bursts, Sups, Hits}, C) ->
    Held = [{Sup, Pid} || Sup <- Sups, Pid <- [ask(C, {sup, Sup})], is_pid(Pid)],
    [sys:suspend(Pid) || {_, Pid} <- Held],
    Ended = lists:filter(
        fun({Sup, Name, How}) ->
            case {lists:keyfind(Sup, 1, Held), ask(C, {worker, Name})} of
                {{Sup, SupPid}, Pid} when is_pid(Pid) ->
                    {message_queue_len, Before} = process_info(SupPid, message_queue_len),
                    hit(Pid, How),
                    gone(Pid),
                    queued(SupPid, Before + 1),
                    true;
                _ -> false
            end
        end, Hits),
    %% Those below come first: nobody who is suspended is below one who is not.
    [begin catch sys:resume(Pid), settle(Pid, none) end || {_, Pid} <- Held],
    integer_to_binary(length(Ended));
step({meanwhile, Sup, Name, How, Ask}, C) ->
    case {ask(C, {sup, Sup}), ask(C, {worker, Name})} of
        {SupPid, Pid} when is_pid(SupPid), is_pid(Pid) ->
            Driver = self(),
            ask(C, {gate, Name}),
            hit(Pid, How),
            gone(Pid),
            Probe = spawn(fun() -> catch supervisor:which_children(SupPid), Driver ! {probed, self()} end),
            Result = receive
                {probed, Probe} -> "";
                {gated, C} ->
                    %% It may also be a start of its supervisor.
                    case ask(C, {sup, Sup}) of
                        SupPid -> while_blocked(SupPid, Ask, C);
                        _ -> ""
                    end
            end,
            ask(C, release),
            receive {gated, C} -> ok after 0 -> ok end,
            case is_pid(Result) of
                true -> receive {answered, Result, Answer} -> Answer end;
                false -> Result
            end;
        _ -> "absent"
    end;
step({change, Sup, To}, C) ->
    admin(Sup, C, fun(Pid) ->
        Before = ask(C, {respec, Sup, To}),
        sys:suspend(Pid),
        Result = sys:change_code(Pid, ?MODULE, undefined, []),
        sys:resume(Pid),
        case Result of
            ok -> ok;
            {error, _} ->
                ask(C, {respec, Sup, Before}),
                {error, faulty}
        end
    end);
step({wait, Ms}, _) ->
    receive after Ms -> "" end;
step({start, Sup, Worker}, C) ->
    admin(Sup, C, fun(Pid) ->
        case ask(C, {dynamic, Sup}) of
            true -> supervisor:start_child(Pid, [Worker]);
            false -> supervisor:start_child(Pid, child(C, Worker))
        end
    end);
step({terminate, Sup, Name}, C) ->
    admin(Sup, C, fun(Pid) ->
        case ask(C, {dynamic, Sup}) of
            false -> supervisor:terminate_child(Pid, Name);
            true ->
                case ask(C, {worker, Name}) of
                    undefined -> {error, not_found};
                    Child -> supervisor:terminate_child(Pid, Child)
                end
        end
    end);
step({restart, Sup, Name}, C) ->
    admin(Sup, C, fun(Pid) -> supervisor:restart_child(Pid, Name) end);
step({delete, Sup, Name}, C) ->
    admin(Sup, C, fun(Pid) -> supervisor:delete_child(Pid, Name) end);
step({which, Sup}, C) ->
    admin(Sup, C, fun(Pid) -> {text, which(Sup, Pid, C)} end);
step({count, Sup}, C) ->
    admin(Sup, C, fun(Pid) ->
        Counts = supervisor:count_children(Pid),
        Figures = [proplists:get_value(Key, Counts) || Key <- [specs, active, supervisors, workers]],
        {text, lists:join("/", [integer_to_binary(Figure) || Figure <- Figures])}
    end).

%% The supervisor waits for a start; what it is asked waits in its queue, behind the probe.
while_blocked(SupPid, Ask, C) ->
    queued(SupPid, 1),
    {message_queue_len, Before} = process_info(SupPid, message_queue_len),
    Driver = self(),
    Asker = spawn(fun() -> Driver ! {answered, self(), step(Ask, C)} end),
    asked(Asker, SupPid, Before + 1),
    Asker.

asked(Asker, SupPid, Length) ->
    case {is_process_alive(Asker), process_info(SupPid, message_queue_len)} of
        {true, {message_queue_len, Now}} when Now < Length -> erlang:yield(), asked(Asker, SupPid, Length);
        _ -> ok
    end.

admin(Sup, C, Call) ->
    case ask(C, {sup, Sup}) of
        undefined -> "down";
        Pid ->
            try Call(Pid) of
                ok -> "ok";
                {ok, undefined} -> "ok";
                {ok, _} -> "ok";
                {text, Text} -> Text;
                {error, {already_started, _}} -> "already_started";
                {error, Word} when is_atom(Word), Word =/= boom -> atom_to_binary(Word);
                {error, _} -> "failed"
            catch
                exit:_ -> "down"
            end
    end.

%% In start order; OTP answers in reverse.
which(Sup, Pid, C) ->
    Children = supervisor:which_children(Pid),
    Words = case ask(C, {dynamic, Sup}) of
        false -> [[atom_to_binary(Id), state(Child)] || {Id, Child, _, _} <- lists:reverse(Children)];
        true -> [[Name, state(Child)] || {Name, Child} <- lists:sort([{ask(C, {name, Child}), Child} || {_, Child, _, _} <- Children])]
    end,
    lists:join(",", Words).

state(undefined) -> "=d";
state(restarting) -> "=r";
state(_) -> "=u".

hit(Pid, kill) -> exit(Pid, kill);
hit(Pid, How) -> Pid ! {do, How}.

gone(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

queued(Pid, Length) ->
    case process_info(Pid, message_queue_len) of
        {message_queue_len, Now} when Now >= Length -> ok;
        _ -> erlang:yield(), queued(Pid, Length)
    end.

%% The supervisor has handled the death.
unlisted(Sup, Pid) ->
    try lists:keymember(Pid, 2, supervisor:which_children(Sup)) of
        true -> unlisted(Sup, Pid);
        false -> ok
    catch
        exit:_ -> ok
    end.

%% Two rounds of calls through the supervisors' own queues agree, and nothing is being restarted.
settle(Root, Last) ->
    put(busy, false),
    case snapshot(Root) of
        dead -> ok;
        Now ->
            case Now =:= Last andalso not get(busy) of
                true -> ok;
                false -> erlang:yield(), settle(Root, Now)
            end
    end.

snapshot(Sup) ->
    try supervisor:which_children(Sup) of
        Children -> [{Id, Child, below(Child, Type)} || {Id, Child, Type, _} <- Children]
    catch
        exit:_ -> put(busy, true), dead
    end.

below(restarting, _) -> put(busy, true), [];
below(Child, supervisor) when is_pid(Child) -> snapshot(Child);
below(_, _) -> [].

%% === the collector ===

ask(C, Question) ->
    C ! {self(), Question},
    receive {C, Answer} -> Answer end.

%% Names: what runs now, and how often each was started. Watched: by monitor.
collector(Driver, Names, Watched, Log) ->
    receive
        {Pid, {start, Name, Plan}} ->
            {Count, _} = maps:get(Name, Names, {0, undefined}),
            K = Count + 1,
            Fate = fate(K, Plan),
            Ref = monitor(process, Pid),
            case get(gate) of
                Name -> put(gate, closed), put(held, {Pid, Fate}), Driver ! {gated, self()};
                _ -> Pid ! {self(), Fate}
            end,
            Now = case Fate of fail -> undefined; ignore -> undefined; _ -> Pid end,
            collector(Driver, Names#{Name => {K, Now}, Pid => Name}, Watched#{Ref => {worker, Name, K, Fate}},
                [[atom_to_binary(Name), mark(Fate), integer_to_binary(K)] | Log]);
        {Driver, {gate, Name}} ->
            put(gate, Name),
            Driver ! {self(), ok},
            collector(Driver, Names, Watched, Log);
        {Driver, release} ->
            case erase(held) of
                undefined -> ok;
                {Held, Fate} -> Held ! {self(), Fate}
            end,
            erase(gate),
            Driver ! {self(), ok},
            collector(Driver, Names, Watched, Log);
        {Driver, {respec, Name, undefined}} ->
            Driver ! {self(), erase({spec, Name})},
            collector(Driver, Names, Watched, Log);
        {Driver, {respec, Name, To}} ->
            Driver ! {self(), put({spec, Name}, To)},
            collector(Driver, Names, Watched, Log);
        {Pid, {spec, Sup}} ->
            Pid ! {self(), case get({spec, element(2, Sup)}) of undefined -> Sup; To -> To end},
            collector(Driver, Names, Watched, Log);
        {Pid, {start_sup, Name, _}} when map_get(Name, Names) =:= {static, Pid} ->
            %% Its code is being changed.
            Pid ! {self(), ok},
            collector(Driver, Names, Watched, Log);
        {Pid, {start_sup, Name, Strategy}} ->
            Ref = monitor(process, Pid),
            Pid ! {self(), ok},
            Kind = case Strategy of simple_one_for_one -> dynamic; _ -> static end,
            collector(Driver, Names#{Name => {Kind, Pid}}, Watched#{Ref => {sup, Name}}, Log);
        {'DOWN', Ref, process, Pid, Reason} ->
            {What, Rest} = maps:take(Ref, Watched),
            case What of
                {worker, _, _, Fate} when Fate =:= fail; Fate =:= ignore ->
                    collector(Driver, Names, Rest, Log);
                {worker, Name, K, _} ->
                    Left = leave(Name, Pid, Names),
                    collector(Driver, Left, Rest, [[atom_to_binary(Name), "-", integer_to_binary(K), class(Reason)] | Log]);
                {sup, Name} ->
                    Left = leave(Name, Pid, Names),
                    collector(Driver, Left, Rest, [[atom_to_binary(Name), "-", sup_class(Reason)] | Log])
            end;
        {Driver, take} ->
            Driver ! {self(), lists:join(" ", lists:reverse(Log))},
            collector(Driver, Names, Watched, []);
        {From, {dynamic, Name}} ->
            {Kind, _} = maps:get(Name, Names),
            From ! {self(), Kind =:= dynamic},
            collector(Driver, Names, Watched, Log);
        {From, {name, Pid}} ->
            From ! {self(), atom_to_binary(maps:get(Pid, Names, '?'))},
            collector(Driver, Names, Watched, Log);
        {From, {_, Name}} ->
            {_, Pid} = maps:get(Name, Names, {0, undefined}),
            From ! {self(), Pid},
            collector(Driver, Names, Watched, Log);
        stop -> ok
    end.

leave(Name, Pid, Names) ->
    case maps:get(Name, Names) of
        {Count, Pid} -> Names#{Name => {Count, undefined}};
        _ -> Names
    end.

fate(K, Plan) when K =< length(Plan) -> lists:nth(K, Plan);
fate(_, _) -> ok.

mark(fail) -> "x";
mark(ignore) -> "?";
mark(_) -> "+".

class(normal) -> "n";
class(shutdown) -> "s";
class({shutdown, _}) -> "t";
class(killed) -> "k";
class(_) -> "e".

sup_class(shutdown) -> "s";
sup_class({shutdown, {failed_to_start_child, _, _}}) -> "x";
sup_class(_) -> "e".

%% === the children ===

start_sup(C, Sup) ->
    supervisor:start_link(?MODULE, {C, Sup}).

init({C, Specified}) ->
    {sup, Name, Strategy, Limit, Period, _, Auto, _, Children} = ask(C, {spec, Specified}),
    ask(C, {start_sup, Name, Strategy}),
    Flags = #{strategy => Strategy, intensity => Limit, period => Period, auto_shutdown => Auto},
    {ok, {Flags, [child(C, Child) || Child <- Children]}}.

child(C, {sup, Name, _, _, _, Restart, _, Significant, _} = Sup) ->
    #{id => Name, start => {?MODULE, start_sup, [C, Sup]}, restart => Restart, significant => Significant,
      type => supervisor, shutdown => infinity};
child(C, {template, Restart, Stop}) ->
    #{id => template, start => {?MODULE, start_worker, [C]}, restart => Restart, shutdown => shutdown(Stop)};
child(C, {worker, Name, Restart, Significant, Stop, _} = Worker) ->
    #{id => Name, start => {?MODULE, start_worker, [C, Worker]}, restart => Restart, significant => Significant,
      shutdown => shutdown(Stop)}.

shutdown(kill) -> brutal_kill;
shutdown(deaf) -> ?DEAF_MS;
shutdown(_) -> ?PROMPT_MS.

start_worker(C, Worker) ->
    proc_lib:start_link(?MODULE, worker, [self(), C, Worker]).

worker(Parent, C, {worker, Name, _, _, Stop, Plan}) ->
    process_flag(trap_exit, true),
    case ask(C, {start, Name, Plan}) of
        fail -> exit(boom);
        ignore -> proc_lib:init_ack(Parent, ignore), exit(normal);
        Fate ->
            Fate =:= slow andalso receive after ?SLOW_MS -> ok end,
            proc_lib:init_ack(Parent, {ok, self()}),
            live(Parent, Stop)
    end.

live(Parent, Stop) ->
    receive
        {do, error} -> exit(boom);
        {do, panic} -> error(boom);
        {do, normal} -> exit(normal);
        {do, shutdown} -> exit({shutdown, told});
        {'EXIT', Parent, _} when Stop =:= deaf -> live(Parent, Stop);
        {'EXIT', Parent, _} when Stop =:= bang -> exit(boom);
        {'EXIT', Parent, Reason} -> exit(Reason)
    end.
