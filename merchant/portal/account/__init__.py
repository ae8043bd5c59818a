"""Pages behind the links of mails: set a first password, or a new one."""
