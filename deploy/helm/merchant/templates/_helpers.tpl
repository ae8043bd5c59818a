{{- define "merchant.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "merchant.selector" -}}
app.kubernetes.io/name: merchant
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "merchant.labels" -}}
{{ include "merchant.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "merchant.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "merchant.secret" -}}
{{- .Values.existingSecret | default (include "merchant.name" .) -}}
{{- end -}}

{{- define "merchant.claim" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-data" (include "merchant.name" .)) -}}
{{- end -}}

{{/* What every pod of ours is held to: the restricted profile of the pod security standards. */}}
{{- define "merchant.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "merchant.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Settings of a program; `url` names the database's login: database-url or owner-url. */}}
{{- define "merchant.settings" -}}
image: {{ include "merchant.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
envFrom:
  - configMapRef: {name: {{ include "merchant.name" .root }}}
{{- with .root.Values.extraEnvFrom }}
{{ toYaml . | indent 2 }}
{{- end }}
env:
  - name: MERCHANT_DATABASE_URL
    valueFrom: {secretKeyRef: {name: {{ include "merchant.secret" .root }}, key: {{ .url }}}}
  - name: MERCHANT_SECRET_KEY
    valueFrom: {secretKeyRef: {name: {{ include "merchant.secret" .root }}, key: secret-key}}
  - name: MERCHANT_GATEWAY_SECRET
    valueFrom: {secretKeyRef: {name: {{ include "merchant.secret" .root }}, key: gateway-secret}}
volumeMounts:
  - {name: data, mountPath: /var/lib/merchant}
  - {name: tmp, mountPath: /tmp}
{{ include "merchant.containerSecurity" .root }}
{{- end -}}

{{- define "merchant.volumes" -}}
volumes:
  - name: data
    persistentVolumeClaim: {claimName: {{ include "merchant.claim" . }}}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
{{- end -}}

{{/* Waits for the schema that this release needs; the migration job makes it meanwhile. */}}
{{- define "merchant.waitForSchema" -}}
initContainers:
  - name: schema
    command: [/bin/sh, -c, "until merchant migrate --check; do sleep 3; done"]
    resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 256Mi}}
{{ include "merchant.settings" (dict "root" . "url" "database-url") | indent 4 }}
{{- end -}}

{{- define "merchant.probes" -}}
# /health/live tells of this program alone. /health/ready tells of the whole service, workers too, and as a probe would
# take every pod out of service at once: an alarm watches it (deploy/monitoring).
startupProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{- define "merchant.spread" -}}
{{- if .root.Values.topologySpread }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {matchLabels: {app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/component: {{ .component }}}}
{{- end }}
{{- end -}}
