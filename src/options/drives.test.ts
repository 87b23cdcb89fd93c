import { describe, expect, it } from 'vitest';
import { requireBlkreplay } from './drives.ts';
import { parseQemuOptions } from './qemu.ts';

const parse = (...drives: string[]) => parseQemuOptions(['-M', 'integratorcp', '-kernel', 'zImage', ...drives]).drives;
const DIRECT = ['-drive', 'file=disk.qcow,if=none,id=img-direct'];
const BLKREPLAY = ['-drive', 'driver=blkreplay,if=sd,image=img-direct,overlay=overlay.qcow2,id=img-blkreplay'];
const PLAIN = { format: undefined, readOnly: false, temporary: false, blkreplay: undefined, allowedBacking: [] };

describe('the disks on a command line', () => {
  it('are not there unless asked for; a drive that nothing uses is none', () => {
    expect(parse()).toEqual([]);
    expect(parse(...DIRECT)).toEqual([]);
  });

  it('is the SD card, in either spelling', () => {
    expect(parse('-sd', 'disk,img')).toEqual([{ ...PLAIN, id: 'sd0', file: 'disk,img' }]);
    expect(parse('-drive', 'if=sd,file=disk,,img,index=0')).toEqual([{ ...PLAIN, id: 'sd0', file: 'disk,img' }]);
    expect(
      parse('-drive', 'file=disk.qcow2,if=sd,format=qcow2,readonly=on,id=card,media=disk,cache=none,aio=native,discard=unmap,werror=enospc'),
    ).toEqual([{ ...PLAIN, id: 'card', file: 'disk.qcow2', format: 'qcow2', readOnly: true }]);
    expect(parse('-drive', 'file=a,if=sd,read-only=on,driver=raw')[0]).toMatchObject({ readOnly: true, format: 'raw' });
  });

  it("takes the seed's lines, in any order", () => {
    const spec = { ...PLAIN, id: 'img-blkreplay', file: 'disk.qcow', blkreplay: { overlay: 'overlay.qcow2' } };
    expect(parse(...DIRECT, ...BLKREPLAY)).toEqual([spec]);
    expect(parse(...BLKREPLAY, ...DIRECT)).toEqual([spec]);
    expect(parse(...DIRECT, '-drive', 'driver=blkreplay,if=sd,image=img-direct')[0].blkreplay).toEqual({ overlay: undefined });
  });

  it('-snapshot is for all drives that do not say otherwise', () => {
    expect(parse('-sd', 'a', '-snapshot')[0].temporary).toBe(true);
    expect(parse('-snapshot', '-drive', 'file=a,if=sd,snapshot=off')[0].temporary).toBe(false);
    expect(parse('-drive', 'file=a,if=sd,snapshot=on')[0].temporary).toBe(true);
  });

  it('may be based on what was named', () => {
    expect(parse('-sd', 'a', '-allow-backing', '/b', '-allow-backing', 'c')[0].allowedBacking).toEqual(['/b', 'c']);
  });

  it('needs blkreplay to be recorded or replayed, and says how', () => {
    expect(() => requireBlkreplay(parse(...DIRECT, ...BLKREPLAY))).not.toThrow();
    expect(() => requireBlkreplay(parse(...DIRECT))).not.toThrow();
    expect(() => requireBlkreplay(parse('-sd', 'disk'))).toThrow(
      'make it -drive file=disk,if=none,id=img and add -drive driver=blkreplay,if=sd,image=img,id=img-blkreplay',
    );
  });

  it.each([
    [['-sd', 'a', '-sd', 'b'], "the machine has one SD card, and drive 'sd0' is in it"],
    [['-drive', 'file=a'], 'say if=sd'],
    [['-drive', 'file=a,if=ide'], 'expects none or sd'],
    [['-drive', 'if=sd'], 'names no image'],
    [['-drive', 'file=a,if=sd,index=1'], 'expects 0'],
    [['-drive', 'file=a,if=sd,media=cdrom'], 'expects disk'],
    [['-drive', 'file=a,if=sd,cache=writethrough'], 'expects writeback or none or unsafe'],
    [['-drive', 'file=a,if=sd,werror=report'], 'expects enospc or stop'],
    [['-drive', 'file=a,if=sd,format=vmdk'], 'expects raw or qcow2'],
    [['-drive', 'file=a,if=sd,overlay=b'], 'image= and overlay= belong to a drive of their own'],
    [['-drive', 'file=a,if=sd,snapshto=on'], 'did you mean snapshot?'],
    [['-drive', 'driver=blkreplay,if=sd,overlay=o'], 'needs the drive whose image it protects: image=ID'],
    [['-drive', 'driver=blkreplay,if=sd,image=x'], "there is no drive 'x'; add -drive file=FILE,if=none,id=x"],
    [['-drive', 'driver=blkreplay,if=sd,image=img-direct,file=x', ...DIRECT], 'belong to the drive that image= names'],
    [[...DIRECT, ...DIRECT], "there is a drive 'img-direct' already"],
    [[...DIRECT, ...BLKREPLAY, '-drive', 'driver=blkreplay,if=none,image=img-direct'], "is used by drive 'img-blkreplay' already"],
    [[...DIRECT, ...BLKREPLAY, '-drive', 'driver=blkreplay,if=none,image=img-blkreplay'], 'is a blkreplay itself'],
    [['-drive', 'file=a,if=sd,id=a', '-drive', 'driver=blkreplay,if=none,image=a'], 'is the SD card itself'],
  ])('refuses %j', (drives, message) => {
    expect(() => parse(...drives)).toThrow(message);
  });
});
