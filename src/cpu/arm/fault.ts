/** Fault status codes, FSR bits 3:0 (ARM ARM B4.6, DDI 0198E table 3-9). */
export const FAULT = {
  alignment: 0x1,
  debug: 0x2,
  translationSection: 0x5,
  translationPage: 0x7,
  domainSection: 0x9,
  domainPage: 0xb,
  permissionSection: 0xd,
  permissionPage: 0xf,
} as const;
