"""What Telegram tells every client first: where its data centres are, and its limits."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telethon.tl import types
from telethon.tl.functions import help as help_

from bot.sandbox.rpc import Caller, handles

if TYPE_CHECKING:
    from bot.sandbox.world import World


@handles(help_.GetNearestDcRequest)
def get_nearest_dc(world: "World", caller: Caller, request: Any) -> Any:
    """The data centre to use: the one that is asked."""
    return types.NearestDc(country="", this_dc=caller.dc, nearest_dc=caller.dc)


@handles(help_.GetConfigRequest)
def get_config(world: "World", caller: Caller, request: Any) -> Any:
    """Where the data centres are, and Telegram's limits as of 2026."""
    now = world.now()
    options = [types.DcOption(id=dc, ip_address=host, port=port) for dc, (host, port) in sorted(world.dcs.items())]
    return types.Config(
        date=now,
        expires=now + timedelta(hours=1),
        test_mode=False,
        this_dc=caller.dc,
        dc_options=options,
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5_000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1_500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=172_800,
        revoke_time_limit=2_147_483_647,
        revoke_pm_time_limit=2_147_483_647,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=604_800,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=4096,
        webfile_dc_id=caller.dc,
    )
