"""What all pages share: layout, components, style sheet, problems told in words."""
