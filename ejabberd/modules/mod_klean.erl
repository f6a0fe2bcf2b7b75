%%% What KleanXMPP needs inside ejabberd because no configuration can do it. Loaded per company host.
%%%
%%% 1. Announcement rooms. ejabberd makes every affiliation `member` a participant, so "moderated" silences
%%%    nobody (and is a hole, see ROOM_DEFAULTS). In a room that has members_by_default off, only owners
%%%    and admins reach the room: no text, no reaction, no receipt of anybody else.
%%% 2. Display names come from the directory. Names that a client writes into its own vCard are replaced
%%%    by those that stand there already; everything else is kept, and the picture, too, unless the directory
%%%    has one (klean_set_photo): then that stays, in the vCard and as avatar (XEP-0084), and its hash in
%%%    presence. In rooms everybody stands under the own name, whatever nickname a client asks for.
%%% 3. Nothing passes between companies. ejabberd delivers freely between the hosts it serves; a stanza
%%%    from or to a company (a host with this module) and all below it stays inside, or is answered
%%%    with an error.
%%% 4. Circles are changed by the component only. What a room's admin may do by a client of their own
%%%    (invite, affiliate, ban, configure) is answered with an error, and so is subscribing to a room
%%%    (MucSub) and asking for contact. To others a room does not exist. Who is not in the gate may do nothing
%%%    in a room but leave it.
%%% 5. Who is on garden leave (shared group klean-read-only) reads and writes nothing, and no colleague
%%%    writes to them. The same holds for whoever is not in the gate: what cannot be looked up is closed.
%%% 6. Commands that spare thousands of calls, each for many people at once: klean_shared_groups (their
%%%    memberships, without reading all members), klean_join_shared_groups and klean_leave_shared_groups,
%%%    klean_affiliations (in many rooms), klean_sessions and klean_kick_users, klean_people (names, photo's
%%%    hash and bookmarks) and klean_set_private. And klean_leftovers and klean_clear_leftovers: what no command of
%%%    ejabberd reaches.
%%% 7. klean_messages: how many messages the people of the company have sent. One number for all of them; whose they
%%%    are and what is in them is neither looked at nor kept.
%%% 8. Devices. A device's secret leaves a mark: the beginning of its SHA-256, by which the directory finds the device's
%%%    login. klean_devices: which sessions have which mark. klean_devices_seen: when a mark was last connected, of
%%%    those that came or went since the last look. The secret itself is neither kept nor logged.
%%% 9. klean_checkup, for `kleanxmpp doctor`: what cannot be seen from outside. It reads only.
%%%
%%% Compiled against the headers of the ejabberd at hand (records differ between versions).
-module(mod_klean).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([silence_listeners/3, keep_circles/1, keep_nickname/1, hide_room/2, keep_names/1, keep_inside/1]).
-export([keep_photo/1, set_photo/4, forget_photo/2]).
-export([keep_contacts/1, only_reading/1, out_of_reach/1, watch_rooms/1]).
-export([shared_groups/2, join_shared_groups/3, leave_shared_groups/3, affiliations/3, people/2]).
-export([sessions/2, kick_users/2, set_private/3, leftovers/2, clear_leftovers/2]).
-export([count_message/1, messages/1]).
-export([mark_login/3, forget_refused/3, open_device/1, doze_off/1, close_device/2, close_devices/0]).
-export([devices/2, devices_seen/2]).
-export([checkup/1]).

-include("xmpp.hrl").
-include("logger.hrl").
-include("mod_muc_room.hrl").
-include("ejabberd_sm.hrl").
-include("ejabberd_commands.hrl").
-include("ejabberd_oauth.hrl").
-include("ejabberd_sql_pt.hrl").

-define(GATE, <<"klean-may-chat">>).
-define(READ_ONLY, <<"klean-read-only">>).
-define(MOST_SEEN, 5000).

%% When a device was last connected, until the directory has it. `stamp`: of the last time somebody wrote this.
-record(klean_seen, {key :: {Host :: binary(), User :: binary(), Mark :: binary()},
                     at :: integer(),
                     stamp :: binary()}).

%% Whose picture is the directory's: the hash that stands in presence, and that of the vCard's own text, so that
%% nothing has to be decoded to see whether it is still there.
-record(klean_photo, {us :: {binary(), binary()}, sha1 :: binary(), text :: binary()}).

%% The compiler is told which source this is, so that a module of another version can be recognised.
-ifndef(KLEAN_SOURCE).
-define(KLEAN_SOURCE, "unknown").
-endif.

%%% gen_mod

start(Host, _Opts) ->
    ejabberd_mnesia:create(?MODULE, klean_photo,
                           [{disc_copies, [node()]}, {attributes, record_info(fields, klean_photo)}]),
    %% Before everything else on these hooks. Messages: mod_mam archives what goes out at 88, what comes in at
    %% 50 and 88, mod_carboncopy copies at 89, mod_offline stores at 50. vCards: mod_avatar converts at 30.
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, only_reading, 4),
    ejabberd_hooks:add(sm_receive_packet, Host, ?MODULE, out_of_reach, 5),
    ejabberd_hooks:add(muc_filter_message, Host, ?MODULE, silence_listeners, 5),
    ejabberd_hooks:add(vcard_iq_set, Host, ?MODULE, keep_names, 5),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, keep_circles, 5),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, keep_contacts, 5),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, keep_nickname, 6),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, keep_photo, 7),
    ejabberd_hooks:add(c2s_self_presence, Host, ?MODULE, keep_photo, 95),
    ejabberd_hooks:add(remove_user, Host, ?MODULE, forget_photo, 50),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, count_message, 95),
    start_counting(Host),
    {atomic, ok} = ejabberd_mnesia:create(?MODULE, klean_seen, [{disc_copies, [node()]}, {local_content, true},
                                                               {attributes, record_info(fields, klean_seen)}]),
    ejabberd_hooks:add(c2s_handle_recv, Host, ?MODULE, mark_login, 50),
    ejabberd_hooks:add(c2s_auth_result, Host, ?MODULE, forget_refused, 50),
    ejabberd_hooks:add(c2s_session_opened, Host, ?MODULE, open_device, 50),
    ejabberd_hooks:add(c2s_session_resumed, Host, ?MODULE, open_device, 50),
    ejabberd_hooks:add(c2s_session_pending, Host, ?MODULE, doze_off, 40),
    %% mod_stream_mgmt lets nobody after it (50) see that the stream before a resumed one ends
    ejabberd_hooks:add(c2s_terminated, Host, ?MODULE, close_device, 40),
    ejabberd_hooks:add(muc_process_iq, Host, ?MODULE, hide_room, 5),
    ejabberd_hooks:add(filter_packet, ?MODULE, keep_inside, 40),
    ejabberd_hooks:add(filter_packet, ?MODULE, watch_rooms, 90),
    ejabberd_hooks:add(ejabberd_stopping, ?MODULE, close_devices, 50),
    ejabberd_commands:register_commands(?MODULE, commands()),
    ok.

stop(Host) ->
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, only_reading, 4),
    ejabberd_hooks:delete(sm_receive_packet, Host, ?MODULE, out_of_reach, 5),
    ejabberd_hooks:delete(muc_filter_message, Host, ?MODULE, silence_listeners, 5),
    ejabberd_hooks:delete(vcard_iq_set, Host, ?MODULE, keep_names, 5),
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, keep_circles, 5),
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, keep_contacts, 5),
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, keep_nickname, 6),
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, keep_photo, 7),
    ejabberd_hooks:delete(c2s_self_presence, Host, ?MODULE, keep_photo, 95),
    ejabberd_hooks:delete(remove_user, Host, ?MODULE, forget_photo, 50),
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, count_message, 95),
    ejabberd_hooks:delete(c2s_handle_recv, Host, ?MODULE, mark_login, 50),
    ejabberd_hooks:delete(c2s_auth_result, Host, ?MODULE, forget_refused, 50),
    ejabberd_hooks:delete(c2s_session_opened, Host, ?MODULE, open_device, 50),
    ejabberd_hooks:delete(c2s_session_resumed, Host, ?MODULE, open_device, 50),
    ejabberd_hooks:delete(c2s_session_pending, Host, ?MODULE, doze_off, 40),
    ejabberd_hooks:delete(c2s_terminated, Host, ?MODULE, close_device, 40),
    ejabberd_hooks:delete(muc_process_iq, Host, ?MODULE, hide_room, 5),
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        false ->
            ejabberd_hooks:delete(filter_packet, ?MODULE, keep_inside, 40),
            ejabberd_hooks:delete(filter_packet, ?MODULE, watch_rooms, 90),
            ejabberd_hooks:delete(ejabberd_stopping, ?MODULE, close_devices, 50),
            ejabberd_commands:unregister_commands(commands());
        true -> ok
    end.

reload(_Host, _NewOpts, _OldOpts) -> ok.

depends(_Host, _Opts) -> [{mod_muc, hard}, {mod_vcard, hard}, {mod_shared_roster, hard}].

mod_options(_Host) -> [].

mod_opt_type(_Option) -> throw(unknown_option).

mod_doc() -> #{desc => "Announcement rooms, protected display names and look-ups for KleanXMPP."}.

%%% Announcement rooms

%% From 24.12 on the same hook also sees private messages, the subject sent to who joins and
%% retractions by moderators. They are not messages to the room: the archive's mark tells them apart.
silence_listeners(#message{meta = #{mam_ignore := true}} = Message, _Room, _Nick) ->
    Message;
silence_listeners(#message{type = groupchat, from = From, lang = Lang} = Message,
                  #state{config = #config{members_by_default = false}} = Room, _Nick) ->
    case mod_muc_room:get_affiliation(From, Room) of
        Affiliation when Affiliation == owner; Affiliation == admin ->
            Message;
        _ ->
            ejabberd_router:route_error(
              Message, xmpp:err_forbidden(<<"Only moderators write in this room">>, Lang)),
            {stop, drop}
    end;
silence_listeners(MessageOrDrop, _Room, _Nick) ->
    MessageOrDrop.

%%% Circles

%% A moderator is an admin of the room, and ejabberd lets admins invite, affiliate and ban. Circles are
%% defined in the directory, so nobody who logs in does any of that; the component is not somebody who logs in.
keep_circles({Stanza, #{lserver := Host} = State}) ->
    case changes_circle(Stanza) andalso is_rooms_host(xmpp:get_to(Stanza), Host) of
        true ->
            Text = <<"Circles are changed by the administrators">>,
            ejabberd_router:route_error(Stanza, xmpp:err_forbidden(Text, xmpp:get_lang(Stanza))),
            {stop, {drop, State}};
        false ->
            {Stanza, State}
    end.

%% mod_roster answers a request for contact with "forbidden" where it may not be made, and passes it on all the
%% same: it would wait on a colleague's list, and come up at each login of theirs, after its sender has left.
keep_contacts({#presence{type = Type, to = To} = Presence, #{jid := From} = State} = Unchanged)
  when Type == subscribe; Type == subscribed; Type == unsubscribe; Type == unsubscribed ->
    case whose(To, From) of
        component -> Unchanged;
        _ -> refuse_sending(Presence, <<"Contact lists come from the directory">>, State)
    end;
keep_contacts(Unchanged) ->
    Unchanged.

changes_circle(#iq{type = set} = IQ) ->
    %% a MucSub subscription outlives the affiliation (before 25.08): there are none, whatever a room's options say
    xmpp:has_subtag(IQ, #muc_admin{}) orelse xmpp:has_subtag(IQ, #muc_owner{})
        orelse xmpp:has_subtag(IQ, #muc_subscribe{});
changes_circle(#message{} = Message) ->
    case xmpp:get_subtag(Message, #muc_user{}) of
        #muc_user{invites = [_ | _]} -> true;
        _ -> false
    end;
changes_circle(_) ->
    false.

%% Who is not in the gate is refused here already: mod_muc's access rule reads all members of the gate to find that
%% somebody is none. But leaving is everybody's right, or who was thrown out would stand in the room still.
watch_rooms(drop) ->
    drop;
watch_rooms(Packet) ->
    #jid{luser = User, lserver = Host} = xmpp:get_from(Packet),
    To = xmpp:get_to(Packet),
    case User /= <<>> andalso To#jid.lserver /= Host andalso is_company(Host) andalso is_rooms_host(To, Host) of
        true -> watch_room(Packet, To, is_in_gate(User, Host));
        false -> Packet
    end.

watch_room(#presence{type = unavailable} = Presence, #jid{luser = Room, lserver = Service}, false) when Room /= <<>> ->
    _ = [mod_muc_room:route(Pid, Presence) || {ok, Pid} <- [mod_muc:find_online_room(Room, Service)]],
    {stop, drop};
watch_room(Packet, _To, false) ->
    ejabberd_router:route_error(Packet, xmpp:err_forbidden()),
    {stop, drop};
watch_room(Packet, _To, true) ->
    Packet.

is_rooms_host(#jid{lserver = To}, Host) ->
    lists:member(To, gen_mod:get_module_opt_hosts(Host, mod_muc));
is_rooms_host(undefined, _Host) ->
    false.

%% ejabberd tells anybody who guesses a hidden room's address its name and size.
hide_room(#iq{type = get, from = From, lang = Lang, sub_els = [Asked]} = IQ,
          #state{config = #config{members_only = true}} = Room)
  when is_record(Asked, disco_info); is_record(Asked, disco_items) ->
    case mod_muc_room:get_affiliation(From, Room) of
        Affiliation when Affiliation == none; Affiliation == outcast ->
            xmpp:make_error(IQ, xmpp:err_item_not_found(<<"Conference room does not exist">>, Lang));
        _ ->
            IQ
    end;
hide_room(IQ, _Room) ->
    IQ.

%%% Display names

%% Reserved nicknames keep others off the very same spelling only: ANNA GROSS would be free to everybody.
keep_nickname({#presence{type = Type, to = #jid{luser = Room, resource = Asked} = To} = Presence,
               #{jid := From, lserver := Host} = State} = Unchanged)
  when Type == available orelse Type == unavailable, Room /= <<>>, Asked /= <<>> ->
    case is_rooms_host(To, Host) andalso own_nickname(From) of
        Nothing when Nothing == false; Nothing == <<>>; Nothing == Asked ->
            Unchanged;
        error ->
            refuse_presence(Presence, State);
        Own ->
            %% somebody else's name is for the room to refuse, so that the client says why
            case {mod_muc:can_use_nick(Host, To#jid.lserver, From, Asked), jid:replace_resource(To, Own)} of
                {false, _} -> Unchanged;
                {true, error} -> refuse_presence(Presence, State);
                {true, Address} -> {xmpp:set_to(Presence, Address), State}
            end
    end;
keep_nickname(Unchanged) ->
    Unchanged.

%% Not by decoding the whole vCard: with a photo that takes a millisecond, and everybody enters many rooms.
own_nickname(#jid{luser = User, lserver = Server}) ->
    case kept_vcard(User, Server) of
        error -> error;
        VCard -> text_of(VCard, [<<"NICKNAME">>])
    end.

refuse_presence(Presence, State) ->
    Text = <<"The name cannot be looked up now">>,
    ejabberd_router:route_error(Presence, xmpp:err_internal_server_error(Text, xmpp:get_lang(Presence))),
    {stop, {drop, State}}.

keep_names(#iq{meta = #{klean_photo := true}} = IQ) ->
    IQ;
keep_names(#iq{from = #jid{luser = User, lserver = Server}, lang = Lang,
               sub_els = [#vcard_temp{photo = Asked} = New]} = IQ) ->
    case stored_vcard(User, Server) of
        #vcard_temp{fn = Fn, n = N, nickname = Nickname, photo = Kept} ->
            Photo = case photo_mark(User, Server) of
                        none -> Asked;
                        _ -> Kept
                    end,
            IQ#iq{sub_els = [New#vcard_temp{fn = Fn, n = N, nickname = Nickname, photo = Photo}]};
        error ->
            {stop, xmpp:err_internal_server_error(<<"The names cannot be looked up now">>, Lang)}
    end;
keep_names(Error) ->
    Error.

stored_vcard(User, Server) ->
    case mod_vcard:get_vcard(User, Server) of
        [Element] ->
            try xmpp:decode(Element, ?NS_VCARD, [ignore_els]) of
                #vcard_temp{} = VCard -> VCard;
                _ -> error
            catch
                _:_ -> error
            end;
        [] -> #vcard_temp{};
        _ -> error
    end.

%% The vCard as it is kept, not decoded.
kept_vcard(User, Server) ->
    case mod_vcard:get_vcard(User, Server) of
        [Element] -> Element;
        [] -> #xmlel{name = <<"vCard">>};
        _ -> error
    end.

text_of(VCard, Names) ->
    fxml:get_path_s(VCard, [{elem, Name} || Name <- Names] ++ [cdata]).

%%% Photos

photo_mark(User, Server) ->
    case mnesia:dirty_read(klean_photo, {User, Server}) of
        [#klean_photo{} = Mark] -> Mark;
        [] -> none
    end.

%% What a client says about a picture of its own where the directory has one: an avatar is refused, and "I have none"
%% (XEP-0153), which mod_vcard_xupdate (at 50, of a presence to everybody at 100) leaves in the presence, is taken out.
%% On 23.01 it even leaves what it has put in itself, so that nobody who is there would be told of a first photo.
keep_photo({#presence{type = available} = Presence, #{jid := #jid{luser = User, lserver = Server}} = State} = Unchanged) ->
    case xmpp:has_subtag(Presence, #vcard_xupdate{}) andalso photo_mark(User, Server) of
        #klean_photo{} -> {xmpp:remove_subtag(Presence, #vcard_xupdate{}), State};
        _ -> Unchanged
    end;
keep_photo({#iq{type = set} = IQ, #{jid := #jid{luser = User, lserver = Server} = From} = State} = Unchanged) ->
    case is_about_avatar(IQ) andalso whose(xmpp:get_to(IQ), From) == own andalso photo_mark(User, Server) of
        #klean_photo{} -> refuse_sending(IQ, <<"The picture comes from the directory">>, State);
        _ -> Unchanged
    end;
keep_photo(Unchanged) ->
    Unchanged.

is_about_avatar(IQ) ->
    Asked = asked(IQ),
    (Asked == ?NS_PUBSUB orelse Asked == ?NS_PUBSUB_OWNER) andalso
        lists:any(fun(#xmlel{} = Child) ->
                          lists:member(fxml:get_tag_attr_s(<<"node">>, Child), [?NS_AVATAR_DATA, ?NS_AVATAR_METADATA]);
                     (_) -> false
                  end, (xmpp:encode(hd(xmpp:get_els(IQ))))#xmlel.children).

%% Goes the way of a client's vCard, so that mod_avatar publishes it and mod_vcard_xupdate tells those who are there. A
%% hook that fails is only logged, so what is kept afterwards is looked at. Nothing takes the directory's photo away, and
%% no picture of the person's own.
set_photo(Host, User, Type, Photo) ->
    LServer = jid:nameprep(Host),
    LUser = jid:nodeprep(User),
    case {base64:decode(Photo), photo_mark(LUser, LServer)} of
        {<<>>, none} -> ok;
        {<<>>, _} ->
            ok = write_photo(LUser, LServer, undefined),
            forget_photo(LUser, LServer);
        {Content, _} ->
            %% first the mark, which decides what is said in presence; without its picture it means "lost"
            ok = mnesia:dirty_write(#klean_photo{us = {LUser, LServer}, sha1 = str:sha(Content),
                                                 text = crypto:hash(sha, base64:encode(Content))}),
            write_photo(LUser, LServer, #vcard_photo{type = Type, binval = Content})
    end.

write_photo(LUser, LServer, Photo) ->
    #vcard_temp{} = Before = stored_vcard(LUser, LServer),
    JID = jid:make(LUser, LServer),
    IQ = #iq{type = set, id = p1_rand:get_string(), from = JID, to = JID, lang = <<"en">>,
             sub_els = [Before#vcard_temp{photo = Photo}], meta = #{klean_photo => true}},
    _ = ejabberd_hooks:run_fold(vcard_iq_set, LServer, IQ, []),
    case stored_vcard(LUser, LServer) of
        #vcard_temp{photo = Photo} -> ok;
        _ -> throw({error, "The photo could not be kept"})
    end.

forget_photo(User, Server) ->
    mnesia:dirty_delete(klean_photo, {jid:nodeprep(User), jid:nameprep(Server)}).

%% The hash of the directory's photo; empty: there is none of the directory's; "lost": there was, and is no more.
photo_of(LUser, LServer, VCard) ->
    case photo_mark(LUser, LServer) of
        none -> <<>>;
        #klean_photo{sha1 = Sha1, text = Text} ->
            case crypto:hash(sha, text_of(VCard, [<<"PHOTO">>, <<"BINVAL">>])) of
                Text -> Sha1;
                _ -> <<"lost">>
            end
    end.

%%% Garden leave

%% What a client sends, before it is routed, archived or copied to other devices.
only_reading({Stanza, #{jid := From} = State} = Unchanged) ->
    case writes(From) of
        true -> Unchanged;
        false ->
            try as_reader(Stanza, From) of
                refused -> refuse_writing(Stanza, State);
                Allowed -> {Allowed, State}
            catch
                _:_ -> refuse_writing(Stanza, State)
            end
    end.

refuse_writing(Stanza, State) ->
    refuse_sending(Stanza, <<"You can read here, but not write">>, State).

%% The answer carries the addressee's name: its mark lets it pass out_of_reach, and the wall.
refuse_sending(Stanza, Text, State) ->
    ejabberd_router:route_error(
      xmpp:put_meta(Stanza, klean_refused, true), xmpp:err_forbidden(Text, xmpp:get_lang(Stanza))),
    {stop, {drop, State}}.

%% Everybody who writes is in the gate, so a storage that does not answer (it says "no groups") is a no.
writes(#jid{luser = User, lserver = Host}) ->
    try groups_of(User, Host) of
        Groups -> lists:member(?GATE, Groups) andalso not lists:member(?READ_ONLY, Groups)
    catch
        _:_ -> false
    end.

is_in_gate(User, Host) ->
    try lists:member(?GATE, groups_of(User, Host))
    catch
        _:_ -> false
    end.

%% Asks the storage, not mod_shared_roster's caches, nor its is_user_in_group/3, which reads every member of a
%% group to answer "no" and crashes for a group that does not exist (23.01).
groups_of(User, Host) ->
    Storage = gen_mod:db_mod(Host, mod_shared_roster),
    Storage:get_user_groups({User, Host}, Host).

%% The stanza as a reader may send it, or `refused`. What is not named here is refused.
as_reader(Stanza, From) ->
    To = xmpp:get_to(Stanza),
    Whose = whose(To, From),
    case Stanza of
        #message{} when Whose == component -> Stanza;
        #message{} -> refused;
        #presence{} when Whose == component -> Stanza;
        #presence{type = unavailable} -> without_words(Stanza);
        #presence{type = available} when Whose == own; Whose == rooms -> without_words(Stanza);
        #presence{} -> refused;
        #iq{} ->
            case allowed(Stanza, asked(Stanza), Whose, To) of
                true -> Stanza;
                false -> refused
            end
    end.

%% What everybody's client says without being told to: that it is there, and what it can do.
without_words(Presence) ->
    Kept = [Element || Element <- xmpp:get_els(Presence), lists:member(xmpp:get_ns(Element), [?NS_MUC, ?NS_CAPS])],
    Presence#presence{status = [], sub_els = Kept}.

whose(#jid{luser = User, lserver = Host}, #jid{luser = User, lserver = Host}) -> own;
whose(#jid{luser = <<>>, lserver = Host}, #jid{lserver = Host}) -> server;
whose(#jid{} = To, #jid{lserver = Host}) ->
    case is_rooms_host(To, Host) of
        true -> rooms;
        false ->
            case acl:match_rule(Host, klean_component_only, To) of
                allow -> component;
                _ -> other
            end
    end.

asked(IQ) ->
    case xmpp:get_els(IQ) of
        [Element | _] -> xmpp:get_ns(Element);
        [] -> <<>>
    end.

allowed(_IQ, Asked, _Whose, _To) when Asked == ?NS_HTTP_UPLOAD_0; Asked == ?NS_HTTP_UPLOAD;
                                      Asked == ?NS_HTTP_UPLOAD_OLD ->
    false;
allowed(_IQ, _Asked, component, _To) -> true;
allowed(#iq{type = error}, _Asked, Whose, _To) -> Whose /= other;
allowed(#iq{type = result}, _Asked, server, _To) -> true;
allowed(#iq{type = result, sub_els = []}, _Asked, _Whose, _To) -> true;
allowed(#iq{type = result}, Asked, _Whose, _To) -> is_question(Asked);
allowed(#iq{type = get}, _Asked, Whose, _To) when Whose == own; Whose == server -> true;
allowed(#iq{type = get}, _Asked, rooms, #jid{lresource = <<>>}) -> true;
allowed(#iq{type = get}, Asked, _Whose, _To) -> is_question(Asked);
allowed(#iq{type = set}, ?NS_MAM_2, Whose, #jid{lresource = <<>>}) -> Whose == own orelse Whose == rooms;
allowed(#iq{type = set} = IQ, ?NS_PUBSUB, own, _To) -> is_own_note(xmpp:get_subtag(IQ, #pubsub{}));
allowed(#iq{type = set}, Asked, Whose, _To) when Whose == own; Whose == server -> is_own_setting(Asked);
allowed(_IQ, _Asked, _Whose, _To) -> false.

%% Questions that carry nothing but themselves.
is_question(Namespace) ->
    lists:member(Namespace, [?NS_PING, ?NS_DISCO_INFO, ?NS_DISCO_ITEMS, ?NS_VCARD, ?NS_VERSION, ?NS_TIME, ?NS_LAST,
                             ?NS_PUBSUB]).

is_own_setting(Namespace) ->
    lists:member(Namespace, [?NS_PRIVATE, ?NS_CARBONS_2, ?NS_BLOCKING, ?NS_PRIVACY, ?NS_SESSION, ?NS_PUSH_0]).

%% Nodes that the configuration keeps for their owner only (`force_node_config`).
is_own_note(#pubsub{publish = #ps_publish{node = Node}}) -> is_own_node(Node);
is_own_note(#pubsub{retract = #ps_retract{node = Node}}) -> is_own_node(Node);
is_own_note(_) -> false.

is_own_node(Node) -> lists:member(Node, [<<"storage:bookmarks">>, <<"urn:xmpp:bookmarks:1">>]).

%% What comes in, before it is archived, stored for later or delivered.
out_of_reach(drop) ->
    drop;
out_of_reach(Stanza) ->
    try is_personal(Stanza) andalso not writes(xmpp:get_to(Stanza)) of
        true -> refuse_delivery(Stanza);
        false -> Stanza
    catch
        _:_ -> refuse_delivery(Stanza)
    end.

%% Nobody in a room is thrown out of it for `forbidden`, but whoever answers with `service-unavailable` is.
refuse_delivery(#message{type = headline}) ->
    {stop, drop};
refuse_delivery(Stanza) ->
    Error = case whose(xmpp:get_from(Stanza), xmpp:get_to(Stanza)) of
                rooms -> xmpp:err_forbidden();
                _ -> xmpp:err_service_unavailable()
            end,
    ejabberd_router:route_error(Stanza, Error),
    {stop, drop}.

%% Whether somebody else wrote this to nobody but the addressee: directly, or from one occupant of a room to another.
is_personal(#message{type = Type, from = From, to = To} = Message) ->
    case whose(From, To) of
        rooms -> From#jid.lresource /= <<>> andalso Type /= groupchat andalso Type /= error;
        other -> not xmpp:get_meta(Message, klean_refused, false);
        _ -> false
    end;
is_personal(#presence{type = subscribe, from = From, to = To}) ->
    whose(From, To) == other;
is_personal(#iq{type = Type, from = From, to = #jid{lresource = Resource} = To})
  when Resource /= <<>>, Type == get orelse Type == set ->
    whose(From, To) == other;
is_personal(_) ->
    false.

%%% Nothing between companies

keep_inside(drop) ->
    drop;
keep_inside(Packet) ->
    From = host_above((xmpp:get_from(Packet))#jid.lserver),
    To = host_above((xmpp:get_to(Packet))#jid.lserver),
    case From == To orelse xmpp:get_meta(Packet, klean_refused, false)
        orelse not (is_company(From) orelse is_company(To)) of
        true ->
            Packet;
        false ->
            %% The refusal crosses the same border back: its mark lets it pass. It says what would
            %% be said of somebody who does not exist, so nobody learns who is in another company.
            %% To the outside world nothing goes, not even a refusal.
            _ = [ejabberd_router:route_error(
                   xmpp:put_meta(Packet, klean_refused, true), xmpp:err_service_unavailable()) || From /= none],
            {stop, drop}
    end.

%% The host that a domain belongs to: itself, or the closest one that it lies below.
host_above(Domain) ->
    case lists:member(Domain, ejabberd_option:hosts()) of
        true -> Domain;
        false ->
            case binary:split(Domain, <<".">>) of
                [_, Parent] -> host_above(Parent);
                _ -> none
            end
    end.

is_company(none) -> false;
is_company(Host) -> gen_mod:is_loaded(Host, ?MODULE).

%%% Commands

commands() ->
    [checkup_command(),
     #ejabberd_commands{
        name = klean_shared_groups, tags = [shared_roster_group],
        desc = "Which shared groups contain these users",
        module = ?MODULE, function = shared_groups,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {people, {list, {person, {tuple, [{user, string}, {groups, {list, {group, string}}}]}}}},
        result_desc = "One entry a user, in any order",
        result_example = [{"anna", ["klean-may-chat"]}]},
     #ejabberd_commands{
        name = klean_join_shared_groups, tags = [shared_roster_group],
        desc = "Make each of these users a member of the shared group at the same place, one after the other",
        module = ?MODULE, function = join_shared_groups,
        args = memberships(), args_desc = memberships_desc(), args_example = memberships_example(),
        result = {res, rescode}},
     #ejabberd_commands{
        name = klean_leave_shared_groups, tags = [shared_roster_group],
        desc = "Take each of these users out of the shared group at the same place",
        module = ?MODULE, function = leave_shared_groups,
        args = memberships(), args_desc = memberships_desc(), args_example = memberships_example(),
        result = {res, rescode}},
     #ejabberd_commands{
        name = klean_affiliations, tags = [muc_room],
        desc = "Affiliation of each of these users in the room at the same place; missing: no such room",
        module = ?MODULE, function = affiliations,
        args = [{service, binary}, {jids, {list, {jid, binary}}}, {rooms, {list, {room, binary}}}],
        args_desc = ["MUC service", "Bare JIDs of the users", "Room names, as many as JIDs"],
        args_example = [<<"gruppen.firma.example">>, [<<"anna@firma.example">>], [<<"objekt-12">>]],
        result = {affiliations, {list, {found, {tuple, [{jid, string}, {room, string}, {affiliation, atom}]}}}},
        result_desc = "One entry a user and room, in any order",
        result_example = [{"anna@firma.example", "objekt-12", member}]},
     #ejabberd_commands{
        name = klean_sessions, tags = [session],
        desc = "Sessions of these users, sleeping ones included",
        module = ?MODULE, function = sessions,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {sessions, {list, {session, {tuple, [{user, string}, {resource, string}, {uptime, integer}]}}}},
        result_desc = "One entry a session, in any order; the uptime is in seconds",
        result_example = [{"anna", "phone", 3600}]},
     #ejabberd_commands{
        name = klean_messages, tags = [statistics],
        desc = "How many messages with a text this host's users have sent since the server started",
        module = ?MODULE, function = messages,
        args = [{host, binary}], args_desc = ["Server name"], args_example = [<<"firma.example">>],
        result = {messages, integer}, result_desc = "One number", result_example = 4711},
     #ejabberd_commands{
        name = klean_devices, tags = [session],
        desc = "The marks of the secrets that these users' sessions began with, where they are known",
        module = ?MODULE, function = devices,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {sessions, {list, {session, {tuple, [{user, string}, {resource, string},
                                                      {mark, string}, {awake, integer}]}}}},
        result_desc = "One entry a session, in any order; awake 0: the connection broke, and may be resumed",
        result_example = [{"anna", "phone", "9f86d081884c7d65", 1}]},
     #ejabberd_commands{
        name = klean_devices_seen, tags = [statistics],
        desc = "When secrets were last connected with, as far as the caller did not take it",
        module = ?MODULE, function = devices_seen,
        args = [{host, binary}, {taken, {list, {stamp, binary}}}],
        args_desc = ["Server name", "Stamps of entries that are safe now: they are forgotten, unless they are newer"],
        args_example = [<<"firma.example">>, [<<"1B2M2Y8AsgTpgAmY">>]],
        result = {seen, {list, {device, {tuple, [{user, string}, {mark, string},
                                                 {at, integer}, {stamp, string}]}}}},
        result_desc = "Some entries, in any order; `at` is in milliseconds since 1970",
        result_example = [{"anna", "9f86d081884c7d65", 1790000000000, "1B2M2Y8AsgTpgAmY"}]},
     #ejabberd_commands{
        name = klean_kick_users, tags = [session],
        desc = "End all sessions of these users, sleeping ones included",
        module = ?MODULE, function = kick_users,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {people, {list, {person, {tuple, [{user, string}, {sessions, integer}]}}}},
        result_desc = "How many there were, one entry a user, in any order",
        result_example = [{"anna", 2}]},
     #ejabberd_commands{
        name = klean_set_private, tags = [private],
        desc = "Write into the private storage of each of these users the element at the same place",
        module = ?MODULE, function = set_private,
        args = [{host, binary}, {users, {list, {user, binary}}}, {elements, {list, {element, binary}}}],
        args_desc = ["Server name", "User names", "XML elements, as many as users"],
        args_example = [<<"firma.example">>, [<<"anna">>], [<<"<storage xmlns='storage:bookmarks'/>">>]],
        result = {res, rescode}},
     #ejabberd_commands{
        name = klean_leftovers, tags = [accounts],
        desc = "Count what outlives sessions: push registrations, waiting messages, tokens",
        module = ?MODULE, function = leftovers,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {people, {list, {person, {tuple, [{user, string}, {push, integer},
                                                   {offline_messages, integer}, {tokens, integer}]}}}},
        result_desc = "One entry a user, in any order",
        result_example = [{"anna", 0, 2, 0}]},
     #ejabberd_commands{
        name = klean_clear_leftovers, tags = [accounts],
        desc = "Remove what klean_leftovers counts",
        module = ?MODULE, function = clear_leftovers,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {res, rescode}},
     #ejabberd_commands{
        name = klean_people, tags = [vcard],
        desc = "What is kept for these users: FN, NICKNAME and the directory's photo of the vCard, and stored bookmarks",
        module = ?MODULE, function = people,
        args = users(), args_desc = users_desc(), args_example = users_example(),
        result = {people, {list, {person, {tuple, [{user, string}, {full_name, string}, {nickname, string},
                                                   {photo, string}, {bookmarks, string}]}}}},
        result_desc = "One entry a user, in any order; what is not there is empty. The photo is its SHA-1",
        result_example = [{"anna", "Anna Muster", "Anna Muster", "", "<storage xmlns='storage:bookmarks'/>"}]},
     #ejabberd_commands{
        name = klean_set_photo, tags = [vcard],
        desc = "Make this the user's picture, which no client can change; an empty one takes it away again",
        module = ?MODULE, function = set_photo,
        args = [{host, binary}, {user, binary}, {type, binary}, {photo, binary}],
        args_desc = ["Server name", "User name", "Media type", "The picture in base64, or nothing"],
        args_example = [<<"firma.example">>, <<"anna">>, <<"image/jpeg">>, <<"/9j/4AAQ">>],
        result = {res, rescode}}].

users() -> [{host, binary}, {users, {list, {user, binary}}}].
users_desc() -> ["Server name", "User names"].
users_example() -> [<<"firma.example">>, [<<"anna">>, <<"ben">>]].

shared_groups(Host, Users) ->
    LServer = jid:nameprep(Host),
    [{LUser, lists:usort(groups_of(LUser, LServer))} || User <- Users, LUser <- [jid:nodeprep(User)]].

memberships() -> [{host, binary}, {users, {list, {user, binary}}}, {groups, {list, {group, binary}}}].
memberships_desc() -> ["Server name", "User names", "Group identifiers, as many as user names"].
memberships_example() -> [<<"firma.example">>, [<<"anna">>, <<"ben">>], [<<"klean-g-nord">>, <<"klean-g-ost">>]].

%% One after the other: ejabberd tells clients before it stores, so of two people who join at the same
%% time neither would be told of the other.
join_shared_groups(Host, Users, Groups) ->
    each_membership(fun mod_shared_roster:add_user_to_group/3, Host, Users, Groups).

%% Everything is stored, then told to those who are connected. mod_shared_roster walks all groups of the host and reads
%% the vCards of all members, for each membership. Where it keeps caches (SQL), it is left to it.
leave_shared_groups(Host, Users, Groups) ->
    LServer = jid:nameprep(Host),
    Storage = gen_mod:db_mod(LServer, mod_shared_roster),
    case erlang:function_exported(Storage, use_cache, 1) andalso not Storage:use_cache(LServer) of
        true ->
            Leaving = grouped(lists:zip(Groups, [{jid:nodeprep(User), LServer} || User <- Users])),
            Known = Storage:groups_with_opts(LServer),
            Shown = [{Group, proplists:get_value(displayed_groups, Opts, [])} || {Group, Opts} <- Known],
            Labels = maps:from_list(
                       [{Group, proplists:get_value(label, Opts, Group)}
                        || {Group, Opts} <- Known, lists:member(Group, proplists:get_value(Group, Shown))]),
            Apart = [leave_shared_group(Group, Those, Shown, LServer, Storage) || {Group, Those} <- Leaving],
            tell_apart(lists:append(Apart), Labels);
        false ->
            each_membership(fun mod_shared_roster:remove_user_from_group/3, Host, Users, Groups)
    end.

%% Who had whom on their list because of this group, as far as one of both leaves it.
leave_shared_group(Group, Leaving, Shown, LServer, Storage) ->
    Watching = members([Name || {Name, Displayed} <- Shown, lists:member(Group, Displayed)], LServer),
    Watched = members(proplists:get_value(Group, Shown, []), LServer),
    _ = [{atomic, _} = Storage:remove_user_from_group(LServer, US, Group) || US <- Leaving],
    [{Who, Leaving} || Who <- Watching] ++ [{Who, Watched} || Who <- Leaving].

members(Groups, LServer) ->
    lists:flatmap(fun(Group) -> mod_shared_roster:get_group_users(LServer, Group) end, Groups).

%% Who is out of the gate is being thrown out, and is told nothing more. `Labels` are those of the groups whose members
%% see each other.
tell_apart(Apart, Labels) ->
    Told = [{Whom, {jid:make(User, Server), Mine}}
            || {{User, Server} = Who, Those} <- grouped(Apart),
               ejabberd_sm:get_user_resources(User, Server) /= [], is_in_gate(User, Server),
               Mine <- [maps:with(groups_of(User, Server), Labels)],
               Whom <- lists:usort(lists:append(Those)), Whom /= Who],
    lists:foreach(fun tell_about/1, grouped(Told)).

%% Whoever shares another group with the contact keeps them, under that group's name; mod_shared_roster would tell of
%% a removal all the same (ejabberd #2960). A contact who is being thrown out is kept by nobody.
tell_about({{Contact, Server}, Told}) ->
    Groups = case is_in_gate(Contact, Server) of
                 true -> groups_of(Contact, Server);
                 false -> []
             end,
    Common = [{To, maps:values(maps:with(Groups, Mine))} || {To, Mine} <- Told],
    Item = #roster_item{jid = jid:make(Contact, Server)},
    _ = [mod_roster:push_item(To, Item, Item#roster_item{subscription = remove}) || {To, []} <- Common],
    case [Kept || {_, [_ | _]} = Kept <- Common] of
        [] -> ok;
        Keeping ->
            Both = Item#roster_item{name = shown_name(Contact, Server), subscription = both},
            _ = [mod_roster:push_item(To, Both, Both#roster_item{groups = Names}) || {To, Names} <- Keeping],
            ok
    end.

%% As mod_shared_roster names a contact.
shown_name(LUser, LServer) ->
    case kept_vcard(LUser, LServer) of
        error -> <<>>;
        VCard ->
            case text_of(VCard, [<<"NICKNAME">>]) of
                <<>> -> text_of(VCard, [<<"FN">>]);
                Nickname -> Nickname
            end
    end.

each_membership(Do, Host, Users, Groups) ->
    LServer = jid:nameprep(Host),
    _ = [Do(LServer, {jid:nodeprep(User), LServer}, Group) || {User, Group} <- lists:zip(Users, Groups)],
    ok.

%%% Counting

%% The counter outlives the module, so that loading it again loses nothing.
start_counting(Host) ->
    case persistent_term:get({?MODULE, messages, Host}, undefined) of
        undefined -> persistent_term:put({?MODULE, messages, Host}, counters:new(1, [write_concurrency]));
        _ -> ok
    end.

%% A message has a body if somebody wrote something; receipts, marks and "is typing" have none.
count_message({#message{type = Type, body = [_ | _]}, #{lserver := Host}} = Unchanged)
  when Type == chat; Type == groupchat; Type == normal ->
    counters:add(persistent_term:get({?MODULE, messages, Host}), 1, 1),
    Unchanged;
count_message(Unchanged) ->
    Unchanged.

messages(Host) ->
    counters:get(persistent_term:get({?MODULE, messages, jid:nameprep(Host)}), 1).

%%% Devices

%% What a client logs in with, before it is answered. Nothing here may fail: a hook that crashes is logged with all it
%% was given. Only PLAIN carries the secret; in SASL2 (which the library of 23.01 does not know) it is the same text.
mark_login(#{stream_authenticated := false} = State, _Element, #sasl_auth{mechanism = Mechanism, text = Text}) ->
    marked(Mechanism, Text, State);
mark_login(#{stream_authenticated := false} = State, _Element, Packet)
  when element(1, Packet) == sasl2_authenticate, tuple_size(Packet) > 3 ->
    marked(element(2, Packet), element(3, Packet), State);
mark_login(State, _Element, _Packet) ->
    State.

marked(<<"PLAIN">>, Text, State) when is_binary(Text) ->
    case binary:split(Text, <<0>>, [global]) of
        [_, _, Secret] -> State#{klean_mark => mark(Secret)};
        _ -> maps:remove(klean_mark, State)
    end;
marked(_Mechanism, _Text, State) ->
    maps:remove(klean_mark, State).

%% As many characters as `kleanxmpp.device_ports.MARK_LENGTH` says.
mark(Secret) ->
    <<Beginning:8/binary, _/binary>> = crypto:hash(sha256, Secret),
    << <<(hex(Half))>> || <<Half:4>> <= Beginning >>.

hex(Half) when Half < 10 -> $0 + Half;
hex(Half) -> $a + Half - 10.

forget_refused(State, true, _User) -> State;
forget_refused(State, {false, _Reason}, _User) -> maps:remove(klean_mark, State).

%% Whoever resumes a session has logged in anew: the mark is that of the new stream, which the copied state leaves alone.
open_device(#{klean_mark := Mark, jid := JID} = State) ->
    note(JID, [{klean_mark, Mark}], Mark),
    State#{klean_awake => true};
open_device(State) ->
    State.

%% A session that sleeps was connected until now, and not until it ends.
doze_off(#{klean_awake := true, klean_mark := Mark, jid := JID} = State) ->
    note(JID, [{klean_asleep, true}], Mark),
    State#{klean_awake => false};
doze_off(State) ->
    State.

close_device(#{klean_awake := true, klean_mark := Mark, jid := JID} = State, _Reason) ->
    note(JID, [], Mark),
    State#{klean_awake => false};
close_device(State, _Reason) ->
    State.

%% A server that stops cuts its streams, most of them before they could tell that they end.
close_devices() ->
    _ = [note_seen(User, Host, Mark, [])
         || #session{usr = {User, Host, _}, info = Info} <- ejabberd_sm:dirty_get_my_sessions_list(),
            awake(Info) == 1, {klean_mark, Mark} <- Info],
    ok.

note(#jid{luser = User, lserver = Host, lresource = Resource}, Facts, Mark) ->
    note_seen(User, Host, Mark, [{Resource, Key, Value} || {Key, Value} <- Facts]).

%% A hook that crashes is logged with the whole state: a storage that fails is told without it.
note_seen(User, Host, Mark, Facts) ->
    try
        _ = [ejabberd_sm:set_user_info(User, Host, Resource, Key, Value) || {Resource, Key, Value} <- Facts],
        Stamp = base64:encode(crypto:strong_rand_bytes(12)),
        mnesia:dirty_write(#klean_seen{key = {Host, User, Mark}, at = erlang:system_time(millisecond), stamp = Stamp})
    catch
        Class:_ -> ?WARNING_MSG("When a device of ~ts@~ts was connected cannot be noted: ~p", [User, Host, Class])
    end.

devices(Host, Users) ->
    LServer = jid:nameprep(Host),
    [{LUser, Resource, proplists:get_value(klean_mark, Info, <<>>), awake(Info)}
     || User <- Users, LUser <- [jid:nodeprep(User)],
        {Resource, Info} <- ejabberd_sm:get_user_info(LUser, LServer)].

awake(Info) ->
    case proplists:get_bool(klean_asleep, Info) of
        true -> 0;
        false -> 1
    end.

%% What was written anew since it was read has another stamp, and stays.
devices_seen(Host, Taken) ->
    LServer = jid:nameprep(Host),
    true = is_company(LServer),
    Stamps = maps:from_list([{Stamp, true} || Stamp <- Taken]),
    Entries = mnesia:dirty_match_object(#klean_seen{key = {LServer, '_', '_'}, _ = '_'}),
    {Old, New} = lists:partition(fun(#klean_seen{stamp = Stamp}) -> is_map_key(Stamp, Stamps) end, Entries),
    _ = [ok = mnesia:dirty_delete_object(Entry) || Entry <- Old],
    [{User, Mark, At, Stamp}
     || #klean_seen{key = {_, User, Mark}, at = At, stamp = Stamp} <- lists:sublist(New, ?MOST_SEEN)].

%% Each room is asked once, and copies its whole state for it. What is no room service fails the whole command.
affiliations(Service, JIDs, Rooms) ->
    [{JID, Room, mod_muc_room:get_affiliation(jid:decode(JID), State)}
     || {Room, Those} <- grouped(lists:zip(Rooms, JIDs)), State <- room_states(Room, Service), JID <- Those].

grouped(Pairs) ->
    Add = fun({Key, Value}, Found) -> maps:update_with(Key, fun(Others) -> [Value | Others] end, [Value], Found) end,
    maps:to_list(lists:foldl(Add, #{}, Pairs)).

room_states(Room, Service) ->
    case mod_muc_admin:get_room_pid(Room, Service) of
        room_not_found -> [];
        Pid when is_pid(Pid) ->
            {ok, State} = mod_muc_room:get_state(Pid),
            [State]
    end.

%% Asks nothing but the table of sessions: user_sessions_info asks each session's own process.
sessions(Host, Users) ->
    LServer = jid:nameprep(Host),
    Now = erlang:system_time(second),
    [{LUser, Resource, Now - seconds(proplists:get_value(ts, Info))}
     || User <- Users, LUser <- [jid:nodeprep(User)],
        {Resource, Info} <- ejabberd_sm:get_user_info(LUser, LServer)].

seconds({Mega, Seconds, _}) -> Mega * 1000000 + Seconds.

kick_users(Host, Users) ->
    LServer = jid:nameprep(Host),
    [{LUser, ejabberd_sm:kick_user(LUser, LServer)} || User <- Users, LUser <- [jid:nodeprep(User)]].

%% One after the other: two first writes of bookmarks at once deadlock in the index of nodes (23.01). Nothing
%% is written if one of the elements is none.
set_private(Host, Users, Elements) ->
    LServer = jid:nameprep(Host),
    Parsed = [parsed(Element) || Element <- Elements],
    _ = [ok = mod_private:set_data(jid:make(User, LServer), [{fxml:get_tag_attr_s(<<"xmlns">>, Element), Element}])
         || {User, Element} <- lists:zip(Users, Parsed)],
    ok.

parsed(Text) ->
    case fxml_stream:parse_element(Text) of
        #xmlel{} = Element -> Element;
        {error, _} -> throw({error, "An element is not well-formed"})
    end.

%% A storage that does not answer fails the whole command: "not known" must not look like "nothing there".
leftovers(Host, Users) ->
    LServer = jid:nameprep(Host),
    [{LUser, pushes(LUser, LServer), waiting(LUser, LServer),
      length(oauth_tokens(LUser, LServer)) + length(fast_tokens(LUser, LServer))}
     || User <- Users, LUser <- [jid:nodeprep(User)]].

clear_leftovers(Host, Users) ->
    LServer = jid:nameprep(Host),
    _ = [clear_leftovers_of(jid:nodeprep(User), LServer) || User <- Users],
    ok.

clear_leftovers_of(LUser, LServer) ->
    _ = [Module:remove_user(LUser, LServer) || Module <- [mod_push, mod_offline], gen_mod:is_loaded(LServer, Module)],
    _ = [{ok, _} = ejabberd_oauth:oauth_revoke_token(Token) || Token <- oauth_tokens(LUser, LServer)],
    _ = [ok = mnesia:dirty_delete(mod_auth_fast, Key) || Key <- fast_tokens(LUser, LServer)],
    ok.

pushes(LUser, LServer) ->
    case gen_mod:is_loaded(LServer, mod_push) of
        false -> 0;
        true ->
            Storage = gen_mod:db_mod(LServer, mod_push),
            {ok, Sessions} = Storage:lookup_sessions(LUser, LServer),
            length(Sessions)
    end.

%% Asks the storage: mod_offline:count_offline_messages/2 answers from a cache, and 0 when the storage fails.
waiting(LUser, LServer) ->
    case gen_mod:is_loaded(LServer, mod_offline) of
        false -> 0;
        true ->
            Storage = gen_mod:db_mod(LServer, mod_offline),
            {cache, Number} = Storage:count_messages(LUser, LServer),
            Number
    end.

oauth_tokens(LUser, LServer) ->
    case ejabberd_option:oauth_db_type() of
        mnesia ->
            Found = mnesia:dirty_match_object(#oauth_token{us = {LUser, LServer}, _ = '_'}),
            [Token || #oauth_token{token = Token} <- Found];
        sql ->
            Address = jid:encode({LUser, LServer, <<>>}),
            {selected, Rows} = ejabberd_sql:sql_query(
                                 ejabberd_config:get_myname(),
                                 ?SQL("select @(token)s from oauth_token where jid=%(Address)s")),
            [Token || {Token} <- Rows];
        Other ->
            throw({error, "OAuth tokens in this storage cannot be looked up: " ++ atom_to_list(Other)})
    end.

%% The keys. Tokens that mod_auth_fast left behind count too: it could be loaded again.
fast_tokens(LUser, LServer) ->
    case {lists:member(mod_auth_fast, mnesia:system_info(tables)), gen_mod:is_loaded(LServer, mod_auth_fast)} of
        {true, _} ->
            Everything = mnesia:table_info(mod_auth_fast, wild_pattern),
            [element(2, Token)
             || Token <- mnesia:dirty_match_object(setelement(2, Everything, {LServer, LUser, '_'}))];
        {false, false} -> [];
        {false, true} -> throw({error, "FAST tokens in this storage cannot be looked up"})
    end.

people(Host, Users) ->
    LServer = jid:nameprep(Host),
    [person(jid:nodeprep(User), LServer) || User <- Users].

%% A storage that does not answer fails the whole command: "not known" must not look like "nothing there".
person(LUser, LServer) ->
    #xmlel{} = VCard = kept_vcard(LUser, LServer),
    Empty = #xmlel{name = <<"storage">>, attrs = [{<<"xmlns">>, ?NS_STORAGE_BOOKMARKS}]},
    [Bookmarks] = mod_private:get_data(LUser, LServer, [{?NS_STORAGE_BOOKMARKS, Empty}]),
    {LUser, text_of(VCard, [<<"FN">>]), text_of(VCard, [<<"NICKNAME">>]), photo_of(LUser, LServer, VCard),
     fxml:element_to_binary(Bookmarks)}.

%%% Checkup

checkup_command() ->
    #ejabberd_commands{
        name = klean_checkup, tags = [server],
        desc = "What runs: versions, modules, listeners, routes and the options that promises depend on",
        module = ?MODULE, function = checkup,
        args = [{host, binary}], args_desc = ["Server name"], args_example = [<<"firma.example">>],
        result = {facts, {list, {fact, {tuple, [{key, string}, {value, string}]}}}},
        result_desc = "Pairs; a key may come several times",
        result_example = [{"module", "mod_muc"}]}.

checkup(Host) ->
    LServer = jid:nameprep(Host),
    true = lists:member(LServer, ejabberd_option:hosts()),
    {ok, Version} = application:get_key(ejabberd, vsn),
    Pairs = [{source, ?KLEAN_SOURCE},
             {version, Version},
             {time, os:system_time(millisecond)},
             {spool, mnesia:system_info(directory)},
             {auth_use_cache, ejabberd_option:auth_use_cache(LServer)},
             {s2s_access, ejabberd_option:s2s_access(LServer)},
             {s2s_allowed, ejabberd_s2s:allow_host(LServer, <<"klean-doctor.invalid">>)}]
        ++ [{auth_method, Method} || Method <- ejabberd_option:auth_method(LServer)]
        ++ [{module, Module} || Module <- gen_mod:loaded_modules(LServer)]
        ++ [{host, Known} || Known <- ejabberd_option:hosts()]
        ++ [{route, Route} || Route <- ejabberd_router:get_all_routes()]
        ++ [{module_route, Route} || Known <- ejabberd_option:hosts(), Route <- module_routes(Known)]
        ++ [{open_room, Room} || Room <- open_rooms(LServer)]
        ++ [{push, [atom_to_list(Option), " ", shown(gen_mod:get_module_opt(LServer, mod_push, Option))]}
            || gen_mod:is_loaded(LServer, mod_push), Option <- [include_body, include_sender]]
        ++ lists:flatmap(fun(Listener) -> listener(Listener, LServer) end, ejabberd_option:listen()),
    [{atom_to_list(Key), lists:flatten(shown(Value))} || {Key, Value} <- Pairs].

shown(Text) when is_binary(Text) -> unicode:characters_to_list(Text);
shown([Part | _] = Text) when is_integer(Part); is_list(Part) -> Text;
shown(Value) -> io_lib:format("~0p", [Value]).

module_routes(Host) ->
    lists:flatmap(fun(Module) ->
                          try gen_mod:get_module_opt_hosts(Host, Module)
                          catch _:_ -> []  %% a module without an address of its own
                          end
                  end, gen_mod:loaded_modules(Host)).

open_rooms(LServer) ->
    [[binary_to_list(Name), "@", binary_to_list(Service)]
     || gen_mod:is_loaded(LServer, mod_muc),
        Service <- gen_mod:get_module_opt_hosts(LServer, mod_muc),
        {Name, _, Pid} <- mod_muc:get_online_rooms(Service),
        {ok, #config{members_only = MembersOnly, public = Public}} <- [mod_muc_room:get_config(Pid)],
        Public orelse not MembersOnly].

%% PORT MODULE TLS ACCESS FROM: whether TLS is a must, whether somebody who is not in the gate is let in,
%% whether a component may speak in the name of others.
listener({{Port, _Address, _Transport}, Module, Options}, LServer) ->
    Number = case Port of
                 _ when is_integer(Port) -> integer_to_list(Port);
                 _ -> "socket"
             end,
    Tls = option(tls, Options) == true orelse option(starttls_required, Options) == true,
    Access = case Module of
                 ejabberd_c2s -> stranger_access(option(access, Options), LServer);
                 _ -> "-"
             end,
    From = case {Module, option(check_from, Options)} of
               {ejabberd_service, false} -> "anybody";
               _ -> "own"
           end,
    TlsText = case Tls of true -> "tls"; false -> "plain" end,
    [{listener, [Number, " ", atom_to_list(Module), " ", TlsText, " ", Access, " ", From]}
     | [{handler, [Number, " ", atom_to_list(Handler)]} || {_Path, Handler} <- handlers(option(request_handlers, Options))]].

option(Name, Options) when is_map(Options) -> maps:get(Name, Options, undefined);
option(Name, Options) -> proplists:get_value(Name, Options).

handlers(undefined) -> [];
handlers(Handlers) when is_map(Handlers) -> maps:to_list(Handlers);
handlers(Handlers) -> Handlers.

stranger_access(Access, LServer) ->
    Stranger = #{usr => {<<"klean-doctor">>, LServer, <<>>}, ip => {{127, 0, 0, 1}, 0}},
    try acl:match_rule(LServer, Access, Stranger) of
        allow -> "open";
        deny -> "closed"
    catch
        _:_ -> "closed"  %% 23.01 where the gate's group does not exist: nobody gets in
    end.
