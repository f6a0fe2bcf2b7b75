%%% Keeps OAuth tokens as ejabberd does that issued them; issuing takes a library that Debian does not install.
-module(mod_tokens).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_doc/0, keep/3]).

-include("ejabberd_commands.hrl").
-include("ejabberd_oauth.hrl").

start(_Host, _Opts) -> ejabberd_commands:register_commands(?MODULE, [command()]).
stop(_Host) -> ok.
reload(_Host, _New, _Old) -> ok.
depends(_Host, _Opts) -> [].
mod_options(_Host) -> [].
mod_doc() -> #{desc => "For tests."}.

command() ->
    #ejabberd_commands{
       name = keep_oauth_token, tags = [oauth], desc = "Keep a token", module = ?MODULE, function = keep,
       args = [{user, binary}, {host, binary}, {token, binary}], result = {res, rescode}}.

keep(User, Host, Token) ->
    ejabberd_oauth_mnesia:store(
      #oauth_token{token = Token, us = {User, Host}, scope = [<<"sasl_auth">>],
                   expire = erlang:system_time(second) + 3600}).
