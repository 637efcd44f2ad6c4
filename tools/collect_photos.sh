#!/bin/sh
# Collects the photographs that the preset mae_nano_photos was trained on.
# They come from two Debian (12) packages: mate-backgrounds, plasma-workspace-wallpapers.
# Usage: apt-get install mate-backgrounds plasma-workspace-wallpapers
#        tools/collect_photos.sh photos
set -eu
out=$1
mkdir -p "$out"
for name in Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm \
    TwoWings Wood YellowFlower; do
    cp "/usr/share/backgrounds/mate/nature/$name.jpg" "$out/"
done
for name in BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Grey \
    Kite OneStandsOut Path summer_1am; do
    cp "/usr/share/wallpapers/$name/contents/images/2560x1600.jpg" "$out/$name.jpg"
done
