"""HDF5 files that reach into others, made with h5py 3.16: a grid of 4 by 8 named ``emi`` between ``lat`` and ``lon``.

``EXTERNAL`` and ``EXTERNAL_LATEST`` keep its values in /etc/passwd (``create_dataset(..., external=[("/etc/passwd", 0, 32)])``, formats of
1.6 and of the newest library), ``LINKED`` is an ``ExternalLink`` to another file, ``VIRTUAL`` a virtual dataset over one.
"""

from __future__ import annotations

import base64
import zlib

__all__ = ["HOSTILE"]


def _made(text: str) -> bytes:
    return zlib.decompress(base64.b85decode(text))


EXTERNAL = _made(
    "c-"
    "rk)KX21O6o2n*r&e&)pjIUy28)TU3>}a<)KTJ+h%`YlVqs`3V$n#{LA9$6EUbJMh7Mhj`cYW=5s>%*<$Qj3*w+Y#@<)jKNy*E*_x"
    "FC!cb4*@-`iVl-fKbu*999|P{kEt+OF%;K7}7+-"
    "0w}8cgY?I&9bz#I+_fyus1e~Z?t6^>rI?L#qzhbp|UN~cdTw>(v}>}Kgyyn;J4w-"
    "JHJ3^ispT4tVLA5bV~hFi?N_B{BQfa;EI(1wr|1q74_@z)xypg6B%77XJ8?@gI~+%!6P9N8r;E!?ywU@TwfQx07$-"
    "igZ*$64aTE`sM{HaJnkXIIU;V<*$;u@>`ELT0o4gqoel1PlFsvt>vs`Fo$s|=@++}gbWEM2_$=pZr}3-"
    "#^6B9X{w!aM^hSJn6~35QFZU-MQ1(%77vy1~kZZcdE8&uQI&UjHFRB?KT-fzI628hWd6uWR{#?qrex*Ez%JTR|XRaT1o)waYt9bi"
    "t*ZsDV{MFXmILl6F#Osv&*LY{`%6x}|=sBMYade0FjEHImRf(1P*qZJLz3fcJ+uB?__@w&Cx$h+03n$^I8&V&etn6bJ=W&+gKjlO"
    "AJDVRRX*Q>)@A}+yv{X-itzXo5Rrjb`ukX**>iw(xL-=p;Wfy8Ur5ilyj)y2&)GqS^v*h)0l4J+z;y6F791c&jCvlc9yOiWh-"
    "O<+N3ti&<8W<QD7#J8B7#J8B7#J8B{H6Z~O4%a0L9$Kqe(((f2%35"
)
EXTERNAL_LATEST = _made(
    "c-"
    "rk)y>HV%6n|$strZ;AZ4IOdAqz1eI<$yNOel^Vmqbky6eA|2U=bIBS_joeh^6Y<1txY@CKmn~B*cK&VP`1!^&H21h%S`jev<Qi@9"
    "W<C-JNaasNLGERWDR^(*(q^#DlsRuS@-*eJkv@TLaB{uU+OET`z@{QPqGj``kJ9OAMSs-"
    ";J`b@*Zs@w@s4oWY(skE#4c?<D}Q%M9?SK-"
    "|+GY5aIx6gyaRG)Eyv;ZUY1v9&DU}jbl1rh4!IWZ5v=qy1tYVXO~!Txo>Ng=7KqzhZ_BEGYnywI@5Syt+YDZK`-"
    "p|d&AIgb_1|3G53ma?=`mr?rlhK$`x2QMM8&ZpC#igg%v`0LUswdOzvKzmn&D3>+PSp7<gYkm$|?VVE#21A5MXbNpcb{tO6I>Z@7"
    "5-x&b*CSE!#h-4|wQf8^X)K#Fq-PUf%D3|vcK*_e$$xR_~)W+BLt`)3C4vxXOF@lKJiZYR78E3&EcaxS)#cv?`B0t-"
    "fIT;azIt6Ti^>SH@--eLFkLNvn-"
    "W44pEID5GEG)mLwBR=l??Jdz2HjQ0byQ2PeR{tQ_3<g2Z4@CX<G*SO3%Az#Rrj3lodvTJE>3W-"
    "Xz5*`qkCZCQp9m69LjA?G8do;r{o`tIeDH3#0}2ZNKfX0!=B$|BZNJ|wzC>_S*Q6Z9kM`p@9VV0g>~Z0dW0mZ2lxDwrkm5%`rKHC"
    "X0L0;fS{(%i1qB5K1qB5K1qB6#)B1lvNLxxr%DR*ny&wBz&87"
)
LINKED = _made(
    "c-rll%}&BV5XWb?pc^c)MxtmuG@dwF58NrCC`2fUeE=ZZ2#K@?>d7bYQM~a;K7w}-xNWCRi-"
    "{(FB_{Jr+Ud@JW@mTW?4gex>#STlEJ276Pyh|GtdLPPKTh-"
    "!e9WL@U2^rAA4elaS(|p95(gIQ8++lM6_RO`+i`Hg;^#zTspfkR9JN}csU}ZEcQ)MzFoM~g(Wx7LFmdN6-"
    "W3?q4`9I$@w$An8Ei(2*KuJC;+`=UJCe;LR*`zB?C1>;k;jDk7SvbRq@whOI_Er^K;V1|!*I}ZYf#}7>u$&Z0j*xsapZVcURvajv"
    "AX@X?Q{qB&}lV$ZJAfYykeARH~VeCyh0{Vz5=XcrgbVZ{@$Ag3pqZJ`_yu^1jfab!xalieV_FULsR?pe(Ct}nt$6b-}_d-"
    ")J(rP5ClQ|DlZMlos_~nZw-3UfuzB^!#w2Ly_vi2V(9tvV3Ikg)HU55FM@2P<u-MjAP9mW2!bF8f*}6O|AE+QXe(%|XphV{Q<ZDy"
)
VIRTUAL = _made(
    "c-"
    "rk)Pm9w)6n`_bt)ZLRSflQWNc?kJal1mnlWa?xwZ(2Ljd)t9bsKl9+eDgp@FHHl_zeWX4<LeHz{`Rk!Vlm@z3*Y2NoLY?q_Djx$o"
    "wFA&Aj(!e(yJb68fgu*eVt-7Ko;Sz%j?8mE?JYx4$;-xZP%>hxO0+YTQDIlp>>m0Wp96JiDVMF$6gnL_hg&;X|n}@Q=`}4-20+9-"
    "R_{uE9be!L9c(eFO-Z02rZ^kg&uAbjI3*M2s3#m!W!0$IH<=NWm}wuJO>fJmXxMCChc|H)vmwr~Oc;-"
    "LAVXoTb4uA6O}k*0$4eTis6Iwd-vM^vf(fmxOof+fE$4#G|QJpx;h9G+FBle-wqVics7kyArvyIJ`(Ni_d1<Zv3gmmz&kcvKC?iX"
    "eZX<(?8H6@E6fS&uD??Xi*-0`w?q#<-"
    ";L*mc6Jp*J&P}t`kjKFDKG!SvyTLh~PoyE49PCB}&rF>e6nx4`7v(zraUjGbVP0uqab)PI}I>+d3?Wz0zUWwVU^}GG&HDxfb{82M"
    "ON|#<%BeIX$OiI|<*1IN>`SM1#<aro@M%vFC>)I**!>Drv>_piCVM=}zZ(>XMgJHWojgYJZuHcz*S<{{$2i{vZ6>gqc01)$ZEecJ"
    "?JA7Jrf3p|>~jys+;FlW0G46zP)R8-"
    "$TK{21<ow7V+N_<5yStpw4&H(B?0fxhYEXq4fHc@GF<o{Zux%d7@pzw7UE(!rd5WJv8tXtr{zq-"
    "I}1K|w)5K|w)5K|w)5Vc!1(i8Z)2xn1G*QtdZVgwci"
)
HOSTILE = {"external": EXTERNAL, "external-latest": EXTERNAL_LATEST, "linked": LINKED, "virtual": VIRTUAL}
