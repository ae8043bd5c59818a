"""The supported gateways by name, a folder each: the two functions of its wire, and where its facts come from."""

from collections.abc import Mapping
from typing import Final

from ussd.gateways.africastalking import wire as africastalking
from ussd.gateways.arkesel import wire as arkesel
from ussd.gateways.beem import wire as beem
from ussd.gateways.dmark import wire as dmark
from ussd.gateways.dynmenu import wire as dynmenu
from ussd.gateways.flares import wire as flares
from ussd.gateways.hollatags import wire as hollatags
from ussd.gateways.hubtel import wire as hubtel
from ussd.gateways.infobip import wire as infobip
from ussd.gateways.nalo import wire as nalo
from ussd.gateways.opcode import wire as opcode
from ussd.gateways.plain import wire as plain
from ussd.gateways.smpp import wire as smpp
from ussd.gateways.truroute import wire as truroute
from ussd.wire import Gateway

GATEWAYS: Final[Mapping[str, Gateway]] = {
    africastalking.NAME: africastalking.GATEWAY,
    plain.NAME: plain.GATEWAY,
    plain.NAME_LATEST: plain.GATEWAY_LATEST,
    hubtel.NAME: hubtel.GATEWAY,
    nalo.NAME: nalo.GATEWAY,
    arkesel.NAME: arkesel.GATEWAY,
    beem.NAME: beem.GATEWAY,
    opcode.NAME: opcode.GATEWAY,
    infobip.NAME: infobip.GATEWAY,
    dynmenu.NAME: dynmenu.GATEWAY,
    truroute.NAME: truroute.GATEWAY,
    flares.NAME: flares.GATEWAY,
    dmark.NAME: dmark.GATEWAY,
    hollatags.NAME: hollatags.GATEWAY,
    smpp.NAME: smpp.GATEWAY,
}
