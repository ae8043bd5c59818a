# Run by the image of PostgreSQL when its data folder is empty: the roles and the database, as `merchant database roles`
# prints them. Passwords are letters and digits, and do not stand in arguments.
{
  printf "\\set owner_password '%s'\n\\set login_password '%s'\n" "$OWNER_PASSWORD" "$LOGIN_PASSWORD"
  cat /roles.sql
} | psql -qX --username postgres postgres
